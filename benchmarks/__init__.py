"""Speed as ratios: each figure beside a bare program that does the least possible, measured in the same run."""
