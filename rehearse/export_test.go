package rehearse

import (
	"context"
	"time"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
)

// SampledLock is a lock of a relation in one sample.
type SampledLock struct {
	Mode    onward.Lock
	Granted bool
}

// ListRequests returns the locks that a statement requested on a relation, in their order, according to samples.
func ListRequests(rounds ...[]SampledLock) (out []onward.Lock) {
	const oid = 1
	all := &samples{startedAt: time.Now(), byRelation: map[uint32]*relationSamples{}}
	for _, locks := range rounds {
		var seen []sampledLock
		for _, l := range locks {
			seen = append(seen, sampledLock{oid, l.Mode, l.Granted})
		}
		all.addSample(seen, false)
	}
	for _, m := range all.byRelation[oid].modes {
		out = append(out, m.lock)
	}
	return out
}

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
