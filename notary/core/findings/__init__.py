"""What the records of an agency show by themselves: times, numbers and figures that contradict each other."""
