"""Run the command `hfwidgets` as `python -m hfwidgets`."""

from hfwidgets.cli import main

if __name__ == "__main__":
    main()
