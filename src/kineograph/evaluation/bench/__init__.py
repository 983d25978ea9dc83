"""Running a suite of cases through engines, and keeping what was measured."""
