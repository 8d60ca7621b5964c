package rehearse

import (
	"context"

	"github.com/onward-sql/onward/internal/pgserver"
)

// AtEnd lets a test look at each server of a rehearsal before it goes.
func AtEnd(c *Config, look func(context.Context, *pgserver.Server)) { c.atEnd = look }
