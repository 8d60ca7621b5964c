package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

const (
	parentsName = "deleted and changed parents do to other rows what they do without the plan, after each step"
	// mostForeignKeys limits the foreign keys that a proof tries: each costs some milliseconds per step.
	mostForeignKeys = 40
	// candidates limits how many referenced rows are tried until one can be deleted.
	candidates = 10
)

// trial is a write to the parent table of a foreign key, and a query for its outcome.
type trial struct {
	table      string    // of the foreign key, for reports
	tables     [2]string // the referring and the referenced table, schema-qualified as in the effects of a step
	constraint string
	write      string // DELETE or UPDATE
	count      string // a query that counts the rows of the referring table
	// before and after are the outcomes on the base and on the schema that the migrations make.
	before, after string
}

// parentTrials holds the trials of a plan's foreign keys.
type parentTrials struct {
	ctx    context.Context
	trials []*trial
	// deployed has the relations from before the plan by their names.
	deployed map[string]bool
	bad      []string
}

// tryParents chooses a referenced row for each foreign key that the deployed schema has on or to one of the tables. It
// records what happens if the row is deleted or gets another key. Every trial is rolled back.
func tryParents(ctx context.Context, conn *pgx.Conn, deployed *catalog.Catalog, tables []string) (*parentTrials, error) {
	p := &parentTrials{ctx: ctx, deployed: map[string]bool{}}
	var err error
	tried := 0
	deployed.EachRelation(func(t *catalog.Relation) bool {
		p.deployed[effectName(t)] = true
		return true
	})
	deployed.EachRelation(func(t *catalog.Relation) bool {
		for _, con := range t.Constraints {
			ref := deployed.Relation(con.Ref)
			if con.Kind != catalog.ForeignKey || con.Parent || !con.Enforced || con.Period || con.Inferred || ref == nil ||
				len(con.Columns) == 0 || len(con.Columns) != len(con.RefColumns) ||
				!slices.Contains(tables, effectName(t)) && !slices.Contains(tables, effectName(ref)) {
				continue
			}
			if tried++; tried > mostForeignKeys {
				return false
			}
			if err = p.chooseTrials(conn, t, ref, con); err != nil {
				return false
			}
		}
		return true
	})
	return p, err
}

// chooseTrials makes the trials of a foreign key, with the first referenced row that can be deleted.
func (p *parentTrials) chooseTrials(conn *pgx.Conn, t, ref *catalog.Relation, con *catalog.Constraint) error {
	own, keys := pgparse.QuoteIdents(t.ColumnNames(con.Columns)), pgparse.QuoteIdents(ref.ColumnNames(con.RefColumns))
	if len(own) != len(con.Columns) || len(keys) != len(con.RefColumns) {
		return nil
	}
	parent, child := analysis.QuoteTable(ref.Name), analysis.QuoteTable(t.Name)
	joined := make([]string, len(keys))
	texts := make([]string, len(keys))
	for i := range keys {
		joined[i], texts[i] = "p."+keys[i]+" = c."+own[i], "p."+keys[i]+"::text"
	}
	rows, err := conn.Query(p.ctx, fmt.Sprintf("SELECT ARRAY[%s] FROM %s p WHERE EXISTS (SELECT FROM %s c WHERE %s) ORDER BY %s LIMIT %d",
		strings.Join(texts, ", "), parent, child, strings.Join(joined, " AND "), strings.Join(texts, ", "), candidates))
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[[]string])
	if err != nil {
		return err
	}
	for _, key := range found {
		is := make([]string, len(key))
		for i := range key {
			is[i] = keys[i] + " = " + pgparse.QuoteLiteral(key[i])
		}
		where := strings.Join(is, " AND ")
		trials := []*trial{{write: "DELETE FROM " + parent + " WHERE " + where}}
		if n := len(keys) - 1; ref.Attr(con.RefColumns[n]) != nil {
			if another := anotherKey(ref.Attr(con.RefColumns[n]).Type); another != "" {
				trials = append(trials, &trial{write: "UPDATE " + parent + " SET " + keys[n] + " = " + pgparse.QuoteLiteral(another) + " WHERE " + where})
			}
		}
		deleted := false
		for i, x := range trials {
			x.table, x.constraint, x.tables = t.Name.String(), con.Name, [2]string{effectName(t), effectName(ref)}
			x.count = countQuery(parent, child, keys, own, key)
			if x.before, err = p.observeTrial(conn, x); err != nil {
				return err
			}
			deleted = deleted || i == 0 && !isRefused(x.before)
		}
		if deleted || slices.Equal(key, found[len(found)-1]) {
			p.trials = append(p.trials, trials...)
			break
		}
	}
	return nil
}

// anotherKey returns a value that no generated row has; "" if there is no simple one for the type.
func anotherKey(t catalog.Type) string {
	if t.Array > 0 || t.OID != 0 {
		return ""
	}
	switch t.Name.Name {
	case "int2", "int4", "int8", "numeric":
		return "31999"
	case "text", "varchar":
		return "~"
	case "uuid":
		return "00000000-0000-4000-8000-00000000b0b0"
	}
	return ""
}

// referringRows counts the rows of a referring table: all, those with the old key, those with a NULL in the foreign key,
// and those whose parent does not exist.
type referringRows struct{ All, Keyed, Null, Orphans int64 }

func countQuery(parent, child string, keys, own, key []string) string {
	var old, null, set, same []string
	for i := range own {
		old = append(old, "c."+own[i]+" = "+pgparse.QuoteLiteral(key[i]))
		null = append(null, "c."+own[i]+" IS NULL")
		set = append(set, "c."+own[i]+" IS NOT NULL")
		same = append(same, "p."+keys[i]+" = c."+own[i])
	}
	return fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE %s), count(*) FILTER (WHERE %s), "+
		"count(*) FILTER (WHERE %s AND p.%s IS NULL) FROM %s c LEFT JOIN %s p ON %s",
		strings.Join(old, " AND "), strings.Join(null, " OR "), strings.Join(set, " AND "), keys[0], child, parent, strings.Join(same, " AND "))
}

// compareWith describes what happened to the rows with the key, given the counts before.
func (r referringRows) compareWith(before referringRows) string {
	share := func(n int64) string {
		switch {
		case n == 0:
			return "none"
		case n == before.Keyed:
			return "all"
		case n > before.Keyed:
			return "more than these"
		case n < 0:
			return "fewer than before"
		}
		return "some"
	}
	return fmt.Sprintf("of the rows that refer to it %s go, %s keep the key, %s get NULL, %s lose their parent",
		share(before.All-r.All), share(r.Keyed), share(r.Null-before.Null), share(r.Orphans-before.Orphans))
}

// refusedPrefix starts the outcome of a write that the server refuses.
const refusedPrefix = "refused: "

func isRefused(outcome string) bool { return strings.HasPrefix(outcome, refusedPrefix) }

// observeTrial runs a trial, rolls it back and returns its outcome, or "" if a table or column was renamed or the row does
// not exist.
func (p *parentTrials) observeTrial(conn *pgx.Conn, x *trial) (string, error) {
	if _, err := conn.Exec(p.ctx, "BEGIN"); err != nil {
		return "", err
	}
	out, err := p.runTrial(conn, x)
	if failed := new(pgconn.PgError); errors.As(err, &failed) {
		err = nil
		switch failed.Code {
		case "42P01", "42703", "3F000": // undefined table, column, schema
		default:
			out = refusedPrefix + failed.Code
		}
	}
	if _, end := conn.Exec(p.ctx, "ROLLBACK"); err == nil {
		err = end
	}
	return out, err
}

func (p *parentTrials) runTrial(conn *pgx.Conn, x *trial) (string, error) {
	count := func() (r referringRows, err error) {
		err = conn.QueryRow(p.ctx, x.count).Scan(&r.All, &r.Keyed, &r.Null, &r.Orphans)
		return r, err
	}
	before, err := count()
	if err != nil || before.Keyed == 0 {
		return "", err
	}
	tag, err := conn.Exec(p.ctx, x.write)
	if err != nil || tag.RowsAffected() == 0 {
		return "", err
	}
	if _, err := conn.Exec(p.ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return "", err
	}
	after, err := count()
	if err != nil {
		return "", err
	}
	return after.compareWith(before), nil
}

// runOriginal runs the trials in the schema that the migrations make.
func (p *parentTrials) runOriginal(conn *pgx.Conn) (err error) {
	for _, x := range p.trials {
		if x.after, err = p.observeTrial(conn, x); err != nil {
			return err
		}
	}
	return nil
}

// runAfter runs the trials that a step may have changed. Each must have the same outcome as without the plan, before or after the
// release.
func (p *parentTrials) runAfter(conn *pgx.Conn, s *onward.PlanStep) error {
	for _, x := range p.trials {
		if !p.canChange(s, x) {
			continue
		}
		got, err := p.observeTrial(conn, x)
		if err != nil {
			return err
		}
		if got == "" || got == x.before || got == x.after {
			continue
		}
		p.bad = append(p.bad, fmt.Sprintf("after step %s, %s of %s: %s: %s; without the plan: %s", s.ID, x.constraint, x.table, x.write, got, x.before))
	}
	return nil
}

// canChange reports whether a step can change what a foreign key does: if it touches one of its two tables. What a deleted row does to
// further tables follows from their own foreign keys. A step that names no relation may replace the function of a trigger, and
// a relation that nobody knows may be a table with a new name: they can change everything.
func (p *parentTrials) canChange(s *onward.PlanStep, x *trial) bool {
	if s.Bookkeeping {
		return false
	}
	for _, e := range s.Effects {
		if !e.New && (!p.deployed[e.Relation] || slices.Contains(x.tables[:], e.Relation)) {
			return true
		}
	}
	return len(s.Effects) == 0
}

// effectName returns the name that the effects of a step have for a relation.
func effectName(r *catalog.Relation) string { return r.Name.Schema + "." + r.Name.Name }

// listBad lists the trials that differ, or counts all.
func (p *parentTrials) listBad() string {
	if len(p.bad) == 0 {
		return fmt.Sprintf("%d writes to parents", len(p.trials))
	}
	return strings.Join(p.bad[:min(len(p.bad), mostDifferences)], "\n")
}
