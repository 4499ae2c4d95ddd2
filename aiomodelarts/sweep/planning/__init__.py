"""What is asked before anything is made, with reads only."""
