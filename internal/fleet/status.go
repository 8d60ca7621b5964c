package fleet

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// ReadStatus returns how far a release is on targets; for "", the release that was begun last. It changes nothing. The error is a
// *config.InputError if no database of the targets knows the release.
func ReadStatus(ctx context.Context, list []*Target, release string, waves []Amount) (*onward.Rollout, error) {
	identifyMissing(ctx, list)
	kept, duplicates := dropDuplicates(list)
	release, paused, err := findRelease(ctx, kept, release)
	if err != nil {
		return nil, err
	}
	out := &onward.Rollout{Schema: onward.RolloutSchema, Release: release, Duplicates: duplicates}
	progress := map[*Target]*onward.RolloutTarget{}
	if err := readProgress(ctx, release, kept, func(t *Target, p *onward.RolloutTarget) { progress[t] = p }); err != nil {
		return nil, err
	}
	summarizeWaves(out, cutWaves(kept, waves), func(t *Target) *onward.RolloutTarget { return progress[t] })
	if paused != "" && out.State != onward.RolloutDone {
		out.State, out.Why = onward.RolloutPaused, paused+" has paused it"
	}
	return out, nil
}

// findRelease returns a release as the databases know it, and who has paused it.
func findRelease(ctx context.Context, list []*Target, release string) (name, paused string, err error) {
	byDatabase := map[*database][]int64{} // the OIDs of the schemas
	for _, t := range list {
		if t.problem == nil {
			byDatabase[t.database] = append(byDatabase[t.database], int64(t.schemaOID))
		}
	}
	var mu sync.Mutex
	var newest float64
	forEachKey(byDatabase, func(d *database) {
		var found, by string
		var age float64 // by the server's clock: others may differ
		problem := d.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			if exists, err := hasLedger(ctx, conn); err != nil || !exists {
				return err
			}
			rows, err := conn.Query(ctx, `SELECT name, paused, extract(epoch FROM clock_timestamp() - began)::float8
				FROM onward_fleet.release AS r WHERE name = $1 OR $1 = '' AND EXISTS (
				SELECT FROM onward_fleet.target AS t WHERE t.release = r.name AND t.schema::bigint = ANY ($2::bigint[]))
				ORDER BY began DESC LIMIT 1`, release, byDatabase[d])
			if err != nil {
				return err
			}
			_, err = pgx.ForEachRow(rows, []any{&found, &by, &age}, func() error { return nil })
			return err
		})
		d.session.Close(ctx)
		mu.Lock()
		defer mu.Unlock()
		if other := problem; other != nil && errInput(other) {
			err = other
		}
		if found != "" && (name == "" || age < newest) {
			if found != name {
				paused = ""
			}
			name, newest = found, age
		}
		if found == name && by != "" {
			paused = by
		}
	})
	switch {
	case err != nil:
	case name == "" && release == "":
		err = newInputError("no release was begun on these targets")
	case name == "":
		err = newInputError("the release %q was not begun on these targets", release)
	}
	if err != nil {
		return "", "", fmt.Errorf("read the ledgers: %w", err)
	}
	return name, paused, nil
}
