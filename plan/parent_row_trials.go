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
	// parentsName is the name of the check in the proof.
	parentsName = "deleted and changed parents do to other rows what they do without the plan, after each step"
	// mostForeignKeys limits the foreign keys that a proof tries: each costs some milliseconds per step.
	mostForeignKeys = 40
)

// trial is a write to the parent table of a foreign key, and a query for its outcome.
type trial struct {
	table      string    // of the foreign key, for reports
	tables     [2]string // the referring and the referenced table, schema-qualified as in the effects of a step
	constraint string
	write      string // DELETE or UPDATE
	count      string // a query that counts the rows of the referring table
	// before and after are the outcomes on the base and on the schema that the migrations make. dropped is the outcome on the base without the
	// foreign key, if the migrations drop it; they may have given its columns other names.
	before, after, dropped string
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
// records what happens if the row is deleted or gets another key. Every trial is rolled back. head is the schema that the migrations make.
func tryParents(ctx context.Context, conn *pgx.Conn, deployed, head *catalog.Catalog, tables []string) (*parentTrials, error) {
	p := &parentTrials{ctx: ctx, deployed: map[string]bool{}}
	var err error
	var keys []*triedKey
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
			k := &triedKey{table: t, referenced: ref, constraint: con}
			if err = k.findCandidates(ctx, conn); err != nil {
				return false
			}
			keys = append(keys, k)
		}
		return true
	})
	if err != nil {
		return p, err
	}
	if err := p.chooseTrials(conn, keys); err != nil {
		return p, err
	}
	for _, k := range keys {
		if t := head.Relation(k.table.OID); t != nil && !hasForeignKey(t, k.constraint) {
			if err := p.observeWithoutKey(conn, k); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// hasForeignKey reports whether a table has a foreign key, or another one of its columns.
func hasForeignKey(t *catalog.Relation, key *catalog.Constraint) bool {
	return slices.ContainsFunc(t.Constraints, func(con *catalog.Constraint) bool {
		return con.ID == key.ID || con.Kind == catalog.ForeignKey && slices.Equal(con.Columns, key.Columns)
	})
}

// observeWithoutKey runs the trials of a foreign key without it.
func (p *parentTrials) observeWithoutKey(conn *pgx.Conn, k *triedKey) error {
	drop := "ALTER TABLE " + analysis.QuoteTable(k.table.Name) + " DROP CONSTRAINT " + pgparse.QuoteIdent(k.constraint.Name)
	for _, x := range k.trials {
		outcomes, err := p.observeWrite(conn, "BEGIN; "+drop, []*trial{x})
		if err != nil {
			return err
		}
		x.dropped = outcomes[0]
	}
	return nil
}

// chooseTrials makes the trials of foreign keys, each with the first of its candidates that can be deleted, or else with
// the last one. Many keys refer to one table, and so have the same candidates.
func (p *parentTrials) chooseTrials(conn *pgx.Conn, keys []*triedKey) error {
	var updates []*trial
	for n := range candidates {
		var tried []*triedKey
		var deletes []*trial
		for _, k := range keys {
			if n < len(k.candidates) && len(k.trials) == 0 {
				tried, deletes = append(tried, k), append(deletes, k.newTrial(k.candidates[n], false))
			}
		}
		outcomes, err := p.observeTrials(conn, deletes)
		if err != nil {
			return err
		}
		for i, k := range tried {
			if isRefused(outcomes[i]) && n+1 < len(k.candidates) {
				continue
			}
			deletes[i].before = outcomes[i]
			k.trials = append(k.trials, deletes[i])
			if x := k.newTrial(k.candidates[n], true); x != nil {
				k.trials, updates = append(k.trials, x), append(updates, x)
			}
		}
	}
	outcomes, err := p.observeTrials(conn, updates)
	if err != nil {
		return err
	}
	for i, x := range updates {
		x.before = outcomes[i]
	}
	for _, k := range keys {
		p.trials = append(p.trials, k.trials...)
	}
	return nil
}

// referringRows counts the rows of a referring table: all, those with the old key, those with a NULL in the foreign key,
// and those whose parent does not exist.
type referringRows struct{ All, Keyed, Null, Orphans int64 }

// describeRowChanges describes what happened to the rows with the key, given the counts before.
func (r referringRows) describeRowChanges(before referringRows) string {
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

// observeTrials returns the outcome of each trial: "" if a table or column was renamed or the row does not exist. Trials with
// the same write share a transaction, because a write may take long: it goes through all foreign keys.
func (p *parentTrials) observeTrials(conn *pgx.Conn, list []*trial) ([]string, error) {
	outcomes := make([]string, len(list))
	byWrite := map[string][]int{}
	for i, x := range list {
		byWrite[x.write] = append(byWrite[x.write], i)
	}
	for i, x := range list {
		sameWrite := byWrite[x.write]
		if sameWrite[0] != i {
			continue
		}
		group := make([]*trial, len(sameWrite))
		for n, index := range sameWrite {
			group[n] = list[index]
		}
		found, err := p.observeWrite(conn, "BEGIN", group)
		if err != nil {
			return nil, err
		}
		for n, index := range sameWrite {
			outcomes[index] = found[n]
		}
	}
	return outcomes, nil
}

// observeWrite returns the outcomes of trials with the same write, after what begins the transaction. If the rows of one of their tables
// cannot be counted, each trial has a transaction of its own.
func (p *parentTrials) observeWrite(conn *pgx.Conn, begin string, group []*trial) ([]string, error) {
	if _, err := conn.Exec(p.ctx, begin); err != nil {
		return nil, err
	}
	outcomes, err := p.runTrials(conn, group)
	if _, end := conn.Exec(p.ctx, "ROLLBACK"); end != nil {
		return nil, errors.Join(err, end)
	}
	failed := new(pgconn.PgError)
	switch {
	case err == nil || !errors.As(err, &failed):
		return outcomes, err
	case len(group) == 1:
		return []string{refusalOutcome(failed)}, nil
	}
	outcomes = nil
	for i := range group {
		singleOutcome, err := p.observeWrite(conn, begin, group[i:i+1])
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, singleOutcome...)
	}
	return outcomes, nil
}

// refusalOutcome returns the outcome of a trial with which the server finds an error.
func refusalOutcome(failed *pgconn.PgError) string {
	switch failed.Code {
	case "42P01", "42703", "3F000": // undefined table, column, schema
		return ""
	}
	return refusedPrefix + failed.Code
}

// runTrials runs the write of some trials once. An error of the server is one of the counts. The write's error is the
// outcome of all trials.
func (p *parentTrials) runTrials(conn *pgx.Conn, group []*trial) ([]string, error) {
	count := func(x *trial) (r referringRows, err error) {
		err = conn.QueryRow(p.ctx, x.count).Scan(&r.All, &r.Keyed, &r.Null, &r.Orphans)
		return r, err
	}
	before := make([]referringRows, len(group))
	hasRows := false
	var err error
	for i, x := range group {
		if before[i], err = count(x); err != nil {
			return nil, err
		}
		hasRows = hasRows || before[i].Keyed > 0
	}
	outcomes := make([]string, len(group))
	if !hasRows {
		return outcomes, nil
	}
	changed, err := p.runWrite(conn, group[0].write)
	failed := new(pgconn.PgError)
	if err != nil && !errors.As(err, &failed) {
		return nil, err
	}
	if err == nil && !changed {
		return outcomes, nil
	}
	for i, x := range group {
		switch {
		case before[i].Keyed == 0:
		case err != nil:
			outcomes[i] = refusalOutcome(failed)
		default:
			after, err := count(x)
			if err != nil {
				return nil, err
			}
			outcomes[i] = after.describeRowChanges(before[i])
		}
	}
	return outcomes, nil
}

// runWrite runs the write of a trial, and the checks of constraints that it defers. It reports whether the row was there.
func (p *parentTrials) runWrite(conn *pgx.Conn, sql string) (changed bool, err error) {
	tag, err := conn.Exec(p.ctx, sql)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	_, err = conn.Exec(p.ctx, "SET CONSTRAINTS ALL IMMEDIATE")
	return true, err
}

// runTrialsOnHead runs the trials in the schema that the migrations make.
func (p *parentTrials) runTrialsOnHead(conn *pgx.Conn) error {
	outcomes, err := p.observeTrials(conn, p.trials)
	if err != nil {
		return err
	}
	for i, x := range p.trials {
		x.after = outcomes[i]
	}
	return nil
}

// runTrialsAfter runs the trials that a step may have changed. Each must have the same outcome as without the plan, before or after the
// release.
func (p *parentTrials) runTrialsAfter(conn *pgx.Conn, s *onward.PlanStep) error {
	var changed []*trial
	for _, x := range p.trials {
		if p.canChangeTrial(s, x) {
			changed = append(changed, x)
		}
	}
	outcomes, err := p.observeTrials(conn, changed)
	if err != nil {
		return err
	}
	for i, x := range changed {
		if got := outcomes[i]; got != "" && !slices.Contains([]string{x.before, x.after, x.dropped}, got) {
			p.bad = append(p.bad, fmt.Sprintf("after step %s, %s of %s: %s: %s; without the plan: %s", s.ID, x.constraint, x.table, x.write, got, x.before))
		}
	}
	return nil
}

// canChangeTrial reports whether a step can change what a foreign key does: if it touches one of its two tables. What a deleted row does to
// further tables follows from their own foreign keys. A step that names no relation may replace the function of a trigger, and
// a relation that nobody knows may be a table with a new name: they can change everything.
func (p *parentTrials) canChangeTrial(s *onward.PlanStep, x *trial) bool {
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

// describeTrialResult lists the trials that differ, or counts all.
func (p *parentTrials) describeTrialResult() string {
	if len(p.bad) == 0 {
		return fmt.Sprintf("%d writes to parents", len(p.trials))
	}
	return strings.Join(p.bad[:min(len(p.bad), mostDifferences)], "\n")
}
