"""What makes a brain wrong: the table of rules, and the rules by what they look at."""
