"""`python -m hfwidgets` is the command `hfwidgets`."""

from hfwidgets.cli import main

if __name__ == "__main__":
    main()
