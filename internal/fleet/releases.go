package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// maxReleases bounds the releases of a list.
const maxReleases = 50

// Release is a release that was begun.
type Release struct {
	Name string
	// State is the state that a queue has recorded; "" if only the ledgers know the release.
	State onward.RolloutState
	// Paused says who has paused it; "" for nobody.
	Paused string
	// Began is when its first target began.
	Began time.Time
	// Done and Failed count its targets in these states.
	Done, Failed int

	newest time.Duration // since the last database began it
}

// ReadPauses returns who has paused each release that the databases of the targets know.
func ReadPauses(ctx context.Context, list []*Target) (map[string]string, error) {
	identifyMissing(ctx, list)
	releases, err := readReleases(ctx, list, "")
	out := map[string]string{}
	for i := range releases {
		out[releases[i].Name] = releases[i].Paused
	}
	return out, err
}

// listReleases returns the releases that were begun on targets, the newest first. The error is a *config.InputError if there is none, or if
// none of them has the name.
func listReleases(ctx context.Context, list []*Target, name string) ([]Release, error) {
	out, err := readReleases(ctx, list, name)
	switch {
	case err != nil:
	case len(out) == 0 && name == "":
		err = newInputError("no release was begun on these targets")
	case name != "" && !slices.ContainsFunc(out, func(r Release) bool { return r.Name == name }):
		err = newInputError("the release %q was not begun on these targets", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the ledgers: %w", err)
	}
	return out, nil
}

// readReleases returns the releases that have targets in the list, and the named one, the newest first.
func readReleases(ctx context.Context, list []*Target, name string) (out []Release, err error) {
	byDatabase := map[*database][]int64{} // the OIDs of the schemas
	for _, t := range list {
		if t.problem == nil {
			byDatabase[t.database] = append(byDatabase[t.database], int64(t.schemaOID))
		}
	}
	var mu sync.Mutex
	forEachKey(byDatabase, func(d *database) {
		found, problem := d.readReleases(ctx, byDatabase[d], name)
		d.session.Close(ctx)
		mu.Lock()
		defer mu.Unlock()
		if problem != nil && IsInputError(problem) {
			err = problem
		}
		for i := range found {
			out = mergeRelease(out, &found[i])
		}
	})
	slices.SortFunc(out, func(a, b Release) int { return cmp.Or(cmp.Compare(a.newest, b.newest), cmp.Compare(a.Name, b.Name)) })
	for i := range out {
		out[i].newest = 0 // the same content is equal later
	}
	return out, err
}

// readReleases returns the releases that have targets in some schemas of the database, and the named one.
func (d *database) readReleases(ctx context.Context, schemas []int64, name string) (out []Release, err error) {
	err = d.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if exists, err := hasLedger(ctx, conn); err != nil || !exists {
			return err
		}
		// The age is by the server's clock: others may differ.
		rows, _ := conn.Query(ctx, `SELECT r.name, r.paused, r.began, extract(epoch FROM clock_timestamp() - r.began)::float8,
				count(*) FILTER (WHERE t.state = 'done'), count(*) FILTER (WHERE t.state = 'failed')
			FROM onward_fleet.release AS r LEFT JOIN (onward_fleet.target AS t JOIN unnest($2::bigint[]) AS s (oid) ON s.oid = t.schema::bigint) ON t.release = r.name
			GROUP BY r.name HAVING r.name = $1 OR count(t.release) > 0 ORDER BY r.name = $1 DESC, r.began DESC LIMIT $3`, name, schemas, maxReleases)
		var next Release
		var age float64
		_, err := pgx.ForEachRow(rows, []any{&next.Name, &next.Paused, &next.Began, &age, &next.Done, &next.Failed}, func() error {
			next.newest = time.Duration(age * float64(time.Second))
			out = append(out, next)
			return nil
		})
		return err
	})
	return out, err
}

// mergeRelease adds what one database knows of a release.
func mergeRelease(list []Release, r *Release) []Release {
	i := slices.IndexFunc(list, func(other Release) bool { return other.Name == r.Name })
	if i < 0 {
		return append(list, *r)
	}
	known := &list[i]
	known.Done += r.Done
	known.Failed += r.Failed
	known.Paused = cmp.Or(known.Paused, r.Paused)
	known.newest = min(known.newest, r.newest)
	if r.Began.Before(known.Began) {
		known.Began = r.Began
	}
	return list
}
