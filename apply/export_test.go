package apply

import (
	"context"
	"time"

	"github.com/onward-sql/onward/apply/internal/backfill"
	"github.com/onward-sql/onward/onward"
)

// RunSearch is [Run] with other limits for the search for wrong rows: the time of a statement that reads a whole table, and the number of
// hashes that are kept; 0 for the default.
func RunSearch(ctx context.Context, c Config, time time.Duration, hashes int) (*onward.Applied, error) {
	return runPlan(ctx, settings{Config: c, searchTime: time, mostHashes: hashes})
}

// PagePrices are set for the batches of a backfill.
const PagePrices = backfill.PagePrices
