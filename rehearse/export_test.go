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

// Recorded gives the servers of a rehearsal more settings; look sees each before
// it goes.
func Recorded(c *Config, settings map[string]string, look func(context.Context, *pgserver.Server)) {
	c.settings, c.atEnd = settings, look
}
