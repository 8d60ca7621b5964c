package rehearse

import (
	"context"

	"github.com/onward-sql/onward/internal/pgserver"
)

// FirstWall leaves nothing around the servers of a rehearsal, so that what holds
// is what we ask, and as whom; look sees each server before it goes.
func FirstWall(c *Config, look func(context.Context, *pgserver.Server)) {
	c.unconfined, c.atEnd = true, look
}
