package apply

import "time"

// WithSearchTime returns the settings with another limit for a statement that looks for wrong rows in a whole table.
func WithSearchTime(c Config, d time.Duration) Config {
	c.searchTime = d
	return c
}

// WithHashes returns the settings with another limit for the number of hashes that a search for duplicates keeps.
func WithHashes(c Config, n int) Config {
	c.mostHashes = n
	return c
}

// PagePrices are set for the batches of a backfill.
const PagePrices = pagePrices
