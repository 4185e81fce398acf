"""Helpers of the compendium that audits facial-expression recognition for racial and gender bias.

The argument lives in the notebooks; a module here holds what two notebooks need, or what would hide the argument.
"""
