package migrations

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/audit"
)

// appliedRow is the row of a migration in the migration tool's table. Key is its version or name, Sum its checksum; "" for none.
// Dirty: it was started, and is not finished.
type appliedRow struct {
	Key, Sum string
	Dirty    bool
}

// refuseIfToolNeedsEmptySchema refuses a schema that has other objects but not the tool's table, if the tool itself
// refuses such a schema.
func (p *Pending) refuseIfToolNeedsEmptySchema(ctx context.Context, schema string) error {
	if p.set.Count.NotEmptyError == "" {
		return nil
	}
	var strange string
	err := p.conn.QueryRow(ctx, `SELECT name FROM (
			SELECT oid, 'pg_class'::regclass AS class, relname AS name, relnamespace AS schema FROM pg_class
			UNION ALL SELECT oid, 'pg_proc'::regclass, proname, pronamespace FROM pg_proc) AS o
		WHERE schema = to_regnamespace(quote_ident($1)) AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')
		ORDER BY 1 LIMIT 1`, schema).Scan(&strange)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	c := p.set.Count
	return &run.RefusedError{Text: fmt.Sprintf("the schema %s has %s, and no table %s. %s", schema, strange, c.Table, c.NotEmptyError)}
}

// listUnapplied returns the migrations that the database does not have.
func (p *Pending) listUnapplied(ctx context.Context) ([]*audit.Planned, error) {
	appliedRows, base, err := p.readApplied(ctx)
	if err != nil {
		return nil, err
	}
	p.hasRecords = len(appliedRows) > 0 || base != "" || p.dirty != ""
	last, list := -1, []*audit.Planned(nil)
	for i, m := range p.set.Migrations {
		if m.Failed != "" {
			return nil, &run.RefusedError{Step: m.ID, Text: m.Failed}
		}
		if base != "" && p.set.Count.Upto(m, base) {
			delete(appliedRows, p.set.Count.Key(m))
			continue
		}
		r, applied := appliedRows[p.set.Count.Key(m)]
		if !applied {
			if m.Baseline && p.hasRecords {
				continue // it is for databases without a history
			}
			all, err := p.isSquashApplied(m, appliedRows)
			if err != nil {
				return nil, err
			}
			if all {
				continue
			}
			list = append(list, m)
			continue
		}
		delete(appliedRows, r.Key)
		if !m.Repeatable {
			last = i
		}
		isUnchanged, err := p.hasSameSum(m, r.Sum)
		switch {
		case err != nil:
			return nil, err
		case !isUnchanged && m.Repeatable:
			list = append(list, m)
		case !isUnchanged:
			return nil, newChangedError(m)
		}
	}
	if err := p.refuseMissingMigrations(appliedRows); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(p.set.Migrations, func(m *audit.Planned) bool { return p.dirty != "" && p.set.Count.Key(m) == p.dirty }); i >= 0 && p.set.Count.Last {
		return p.set.Migrations[i:], nil // those before it are applied
	}
	if p.set.Count.Last {
		return p.set.Migrations[last+1:], nil
	}
	if late := slices.IndexFunc(p.set.Migrations[:last+1], func(m *audit.Planned) bool { return slices.Contains(list, m) }); late >= 0 && p.set.Count.Late != "" {
		text := "it sorts before " + p.set.Migrations[last].ID + ", which is applied: " + p.set.Count.Late
		return nil, &run.RefusedError{Step: p.set.Migrations[late].ID, Text: text}
	}
	return list, p.refuseOvertakenMigrations(list)
}

// isSquashApplied reports whether a database has everything that a squashed migration replaces. If it has only a
// part, the tool must handle that.
func (p *Pending) isSquashApplied(m *audit.Planned, applied map[string]appliedRow) (bool, error) {
	count := 0
	for _, id := range m.Replaces {
		if _, isApplied := applied[id]; isApplied {
			count++
		}
	}
	if count > 0 && count < len(m.Replaces) {
		return false, &run.RefusedError{
			Step: m.ID,
			Text: fmt.Sprintf("the database has %d of the %d migrations that it replaces: run the others with the tool itself, from a release that has them", count,
				len(m.Replaces)),
		}
	}
	return count > 0, nil
}

// refuseOvertakenMigrations refuses migrations on which applied ones depend, if the tool does so too.
func (p *Pending) refuseOvertakenMigrations(list []*audit.Planned) error {
	if p.set.HistoryBehavior.Overtaken == "" {
		return nil
	}
	pending := map[string]bool{}
	for _, m := range list {
		pending[m.ID] = true
	}
	for _, m := range p.set.Migrations {
		for _, before := range m.After {
			if pending[before] && !pending[m.ID] {
				return &run.RefusedError{Step: before, Text: fmt.Sprintf(p.set.HistoryBehavior.Overtaken, m.ID, before)}
			}
		}
	}
	return nil
}

// readApplied reads the tool's table, by keys. base is the baseline key: everything up to it existed before
// the tool was introduced; "" for none.
func (p *Pending) readApplied(ctx context.Context) (applied map[string]appliedRow, base string, err error) {
	applied, p.dirty = map[string]appliedRow{}, ""
	if !p.tableExists {
		return applied, "", nil
	}
	got, err := p.conn.Query(ctx, p.set.Count.Read(p.table))
	if err != nil {
		return nil, "", err
	}
	rows, err := pgx.CollectRows(got, pgx.RowToStructByPos[appliedRow])
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", p.table, err)
	}
	for _, r := range rows {
		if r.Dirty {
			isOwn, err := p.isStartedByOnward(ctx, r.Key)
			if err != nil {
				return nil, "", err
			}
			if isOwn {
				p.dirty = r.Key
				continue
			}
			text := fmt.Sprintf("%s says that it was begun and not finished: look at what it did, and tell its tool", p.table)
			return nil, "", &run.RefusedError{Step: r.Key, Text: text}
		}
		if p.set.Count.Same != nil {
			r.Key = p.set.Count.Same(r.Key)
		}
		applied[r.Key] = r
	}
	if p.set.Count.Base != nil {
		if err = p.conn.QueryRow(ctx, p.set.Count.Base(p.table)).Scan(&base); errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
	}
	return applied, base, err
}

// refuseMissingMigrations refuses migrations that are applied but no longer exist. Unapplied ones that only the tool can
// run are kept for later.
func (p *Pending) refuseMissingMigrations(appliedRows map[string]appliedRow) error {
	p.toolOnly = nil
	if p.set.Beyond != nil {
		for _, b := range p.set.Beyond() {
			if _, applied := appliedRows[b.Key]; !applied {
				p.toolOnly = append(p.toolOnly, b)
			}
			delete(appliedRows, b.Key)
		}
	}
	for key := range appliedRows {
		future := p.set.HistoryBehavior.Forgets && p.set.Count.Upto != nil &&
			!slices.ContainsFunc(p.set.Migrations, func(m *audit.Planned) bool { return !p.set.Count.Upto(m, key) })
		if p.set.Count.Missed != "" && !future {
			return &run.RefusedError{Step: key, Text: fmt.Sprintf("%s has it, and %s does not (%s)", p.table, p.release.HeadName(), p.set.Count.Missed)}
		}
	}
	return nil
}

// refusePastToolOnly refuses to run migrations past one that only the tool can run.
func (p *Pending) refusePastToolOnly(list []*audit.Planned) error {
	for _, b := range p.toolOnly {
		i := slices.IndexFunc(p.set.Migrations, func(m *audit.Planned) bool { return p.set.Count.Key(m) == b.Key })
		if i >= 0 && !slices.Contains(list, p.set.Migrations[i]) {
			continue // after --to, or applied
		}
		if last := list[len(list)-1]; i < 0 && b.Key != "" && p.To != "" && p.set.Count.Upto != nil && p.set.Count.Upto(last, b.Key) {
			continue // after --to
		}
		command := "the tool's own command, under onward guard, which keeps others from waiting"
		if i >= 0 && p.set.Count.Run != nil {
			command = "it with\nonward guard --db ADDRESS -- " + p.set.Count.Run(p.set.Migrations[i])
		}
		return &run.RefusedError{Step: b.Key, Text: b.Path + " is " + b.What + ": onward does not run it. Run " + command}
	}
	return nil
}

// hasSameSum compares an applied migration with the checksum that its tool has recorded.
func (p *Pending) hasSameSum(m *audit.Planned, sum string) (bool, error) {
	if p.set.Count.Sum == nil || sum == "" {
		return true, nil
	}
	content, err := p.release.Content(m.Path)
	if err != nil {
		return false, err
	}
	fileSum := p.set.Count.Sum(m, content)
	return fileSum == "" || fileSum == sum, nil
}

// readFileForChecksum returns a migration's file, if its tool records a checksum.
func (p *Pending) readFileForChecksum(m *audit.Planned) ([]byte, error) {
	if p.set.Count.Sum == nil {
		return nil, nil
	}
	return p.release.Content(m.Path)
}

// refusePartlyReadable refuses a migration of which only a part can be read.
func (p *Pending) refusePartlyReadable(m *audit.Planned) error {
	if p.set.Count.Run == nil {
		return refuseToolOnly(m.ID, m.Path+" is more than SQL")
	}
	next := "onward guard --db ADDRESS -- " + p.set.Count.Run(m)
	return &run.RefusedError{
		Step: m.ID,
		Next: next,
		Text: m.Path + " is more than SQL. Run the migrations before it with --to and the name of the last of them; then run\n" + next + "\nand this again",
	}
}

func newChangedError(m *audit.Planned) error {
	return &run.RefusedError{Step: m.ID, Text: m.Path + " was changed since it was applied: put back what it was, and make the change in a migration of its own"}
}
