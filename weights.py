"""The weights that Next Scene draws with: choose, fetch and list them. What `script/weights` calls."""

from nextscene.hub.weights import choose, fetch, main

__all__ = ["choose", "fetch", "main"]

if __name__ == "__main__":
    main()
