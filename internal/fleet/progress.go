package fleet

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/onward"
)

// isMissingObject reports whether a query failed because a table, a column, a function or a schema does not exist.
func isMissingObject(err error) bool {
	refused := live.FindRefusal(err)
	return refused != nil && pgerror.Kind{SQLSTATE: refused.Code}.IsMissing()
}

// newProgress returns the progress of a target that was not begun, or why it cannot be used.
func newProgress(t *Target) *onward.RolloutTarget {
	p := &onward.RolloutTarget{Name: t.Name, DatabaseSchema: t.Schema, Labels: t.Labels, State: onward.RolloutPending}
	if t.database != nil {
		p.Database = t.database.label
	}
	switch {
	case t.problem == nil:
	case isGoneError(t.problem):
		p.State, p.Note = onward.RolloutGone, redactTarget(t.problem, t).Error()
	default:
		p.State, p.Note = onward.RolloutUnreachable, redactTarget(t.problem, t).Error()
		if isVersionError(t.problem) {
			p.State = onward.RolloutFailed
		}
	}
	return p
}

// progressRow is a row of the ledger.
type progressRow struct {
	state, note        string
	attempts, exitCode int
	alive              bool
	began, ended       *time.Time
	work               string // of the release
}

// readProgress reads the progress of targets from their ledgers: a query for each database.
func readProgress(ctx context.Context, release string, list []*Target, set func(*Target, *onward.RolloutTarget)) error {
	byDatabase := map[*database][]*Target{}
	for _, t := range list {
		set(t, newProgress(t))
		if t.problem == nil {
			byDatabase[t.database] = append(byDatabase[t.database], t)
		}
	}
	var mu sync.Mutex
	forEachKey(byDatabase, func(d *database) {
		rows, err := d.readProgressRows(ctx, release)
		d.session.Close(ctx)
		mu.Lock()
		defer mu.Unlock()
		for _, t := range byDatabase[d] {
			p := newProgress(t)
			if err != nil {
				p.State, p.Note = onward.RolloutUnreachable, redactTarget(err, t).Error()
			} else if row, ok := rows[t.schemaOID]; ok {
				row.fillTarget(p)
			}
			set(t, p)
		}
	})
	return ctx.Err()
}

func (r *progressRow) fillTarget(p *onward.RolloutTarget) {
	p.State, p.Note, p.Attempts, p.ExitCode, p.Began, p.Ended = onward.RolloutState(r.state), r.note, r.attempts, r.exitCode, r.began, r.ended
	if p.State == onward.RolloutRunning && !r.alive {
		p.State = onward.RolloutInterrupted
	}
}

// readProgressRows reads the rows of a release, by the OID of the schema.
func (d *database) readProgressRows(ctx context.Context, release string) (map[uint32]*progressRow, error) {
	out := map[uint32]*progressRow{}
	err := d.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		d.work = ""
		exists, err := hasLedger(ctx, conn)
		if err != nil || !exists {
			return err
		}
		// A restored database has other OIDs, and the names are right: see adaptRestoredLedger.
		rows, _ := conn.Query(ctx, `SELECT CASE WHEN t.schema = 0 OR r.system = $2 THEN t.schema ELSE coalesce(n.oid, 0) END::bigint, t.state, t.note, t.attempts,
				t.exit_code, `+holderIsAlive+`, t.began, t.ended, r.work
			FROM onward_fleet.target AS t JOIN onward_fleet.release AS r ON r.name = t.release
				LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.name WHERE t.release = $1`, release, d.identity())
		var oid int64
		var row progressRow
		_, err = pgx.ForEachRow(rows, []any{&oid, &row.state, &row.note, &row.attempts, &row.exitCode, &row.alive, &row.began, &row.ended, &row.work}, func() error {
			next := row
			d.work = row.work
			out[uint32(oid)] = &next
			return nil
		})
		return err
	})
	return out, err
}

// requireEarlierRelease returns an input error unless all targets have the release of Config.After.
func (r *rollout) requireEarlierRelease(ctx context.Context) error {
	if r.c.After == "" {
		return nil
	}
	var missing, names []string
	seen := map[string]onward.RolloutState{}
	if err := readProgress(ctx, r.c.After, r.targets, func(t *Target, p *onward.RolloutTarget) { seen[t.Name] = p.State }); err != nil {
		return err
	}
	for _, t := range r.targets {
		if s := seen[t.Name]; s != onward.RolloutDone && s != onward.RolloutGone {
			missing, names = append(missing, fmt.Sprintf("%s is %s", t.Name, s)), append(names, t.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	const most = 5
	more := ""
	if n := len(missing); n > most {
		missing, more = missing[:most], fmt.Sprintf(" and %d more", n-most)
	}
	return &UnfinishedError{
		Failed: true, Earlier: true, Missing: names,
		Why: fmt.Sprintf("the release %s is not done on every target: %s%s", r.c.After, strings.Join(missing, ", "), more),
	}
}
