"""The mirrored document: what a panel sends to the page, and when.

mirror      the document, and its numbered changes in the order in which they reach the page
protocol    the form of the document, of its changes and of the page's messages
flusher     when changes are sent, and how often
widget      the Jupyter widget that carries them
assets      the page's scripts and styles
outputs     where a panel's output appears in cells
"""
