"""Stands before the package of this name, so that JSON Schema does without its check of IRIs, as it does where the
package is not installed: to import it builds a grammar, which takes a second in every program that reads a notebook.
"""

raise ImportError("left out of the tests' programs")
