"""The query selector: dimensions, their question pools and the queries chosen from them."""
