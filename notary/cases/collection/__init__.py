"""The collection case: one agency, forty debtors, sixty days, as the exports that its systems leave daily."""
