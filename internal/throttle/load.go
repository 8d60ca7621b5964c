package throttle

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Load says whether other sessions are at work beside a backfill.
type Load int

// The kinds of load.
const (
	UnknownLoad Load = iota // it was not read yet, or cannot be read
	NoLoad
	SomeLoad
)

const (
	// fewSessions is the mean number of busy sessions from which there is a load. A monitor that asks once in a second is none.
	fewSessions = 0.5
	// newestPart is the weight of the newest reading in that mean.
	newestPart = 0.3
)

// otherLoad is the work of other sessions, as read so far.
type otherLoad struct {
	kind Load
	mean float64 // the number of busy sessions
	// harmful: the load's queries take longer than at the beginning of the backfill, even between two batches.
	harmful bool
}

// OtherLoad returns the load that the last reading has found.
func (g *Gauge) OtherLoad() Load { return g.load.kind }

// SetHarm says whether the load's queries take longer than at the beginning of the backfill. If they do, the backfill's own dead rows count.
func (g *Gauge) SetHarm(harmful bool) { g.load.harmful = harmful }

// loadOfOthers reads how many other sessions are busy: they run a statement, or have just ended one. It never slows a backfill down itself.
// A session that the role may not see counts as busy.
var loadOfOthers = signal{name: "the load of other sessions", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	var busy float64
	err := conn.QueryRow(ctx, `SELECT (count(*) FILTER (WHERE backend_type = 'client backend' AND application_name NOT LIKE 'onward %'
			AND (state = 'active' OR state_change > clock_timestamp() - interval '200 ms'))
		+ count(*) FILTER (WHERE backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL))::float8
		FROM pg_stat_activity WHERE pid <> pg_backend_pid()`).Scan(&busy)
	if err != nil {
		g.load.kind = UnknownLoad
		return Verdict{}, err
	}
	if g.load.kind == UnknownLoad {
		g.load.mean = busy
	} else {
		g.load.mean += newestPart * (busy - g.load.mean)
	}
	g.load.kind = NoLoad
	if g.load.mean >= fewSessions {
		g.load.kind = SomeLoad
	}
	return Verdict{}, nil
}}
