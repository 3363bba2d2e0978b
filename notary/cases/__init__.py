"""Synthetic cases: files as other systems export them, the same for the same seed.

They are shown by `notary demo`, written by `notary case` and read by tests. Every telephone number is a
reserved one, every address is of example.com.
"""
