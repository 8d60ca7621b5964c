package main

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/effect/prove"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// writeFormRows writes a form: one line for each group of versions that do the same.
func writeFormRows(b *strings.Builder, schema *catalog.Catalog, form prove.Form) error {
	first := onward.OldestMajor
	if form.Setup != "" {
		var err error
		if first, err = firstVersion(schema, form.Setup); err != nil {
			return err
		}
		if schema, err = applySQL(schema, form.Setup); err != nil {
			return err
		}
	}
	session := effect.Inputs{TimeZone: "UTC"}
	if _, zone, ok := strings.Cut(form.Set, "TimeZone"); ok {
		session.TimeZone = strings.Trim(zone, " '=")
	}
	f, err := pgparse.SplitText(form.SQL)
	if err != nil {
		return err
	}
	if len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
		return fmt.Errorf("%s: is not one statement that parses", form.SQL)
	}
	type group struct {
		from, to int
		words    string
	}
	var groups []group
	_, session.Problems = schema.Judge(f.Stmts[0].Node, form.SQL, false)
	for v := first; v <= onward.PreviewMajor; v++ {
		r := effect.EffectOf(f.Stmts[0].Node, schema, effect.NewVersion(v), session)
		words := describeResult(&r)
		if n := len(groups); n > 0 && groups[n-1].words == words {
			groups[n-1].to = v
			continue
		}
		groups = append(groups, group{v, v, words})
	}
	statement := formatSQL(form.SQL)
	if form.Setup != "" {
		statement += "<br>after " + formatSQL(form.Setup)
	}
	if form.Set != "" {
		statement += "<br>with " + formatSQL(strings.TrimPrefix(form.Set, "SET "))
	}
	for _, g := range groups {
		versions := fmt.Sprint(g.from)
		if g.to > g.from {
			versions += fmt.Sprintf(" to %d", g.to)
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", statement, versions, g.words)
	}
	return nil
}

// firstVersion returns the first version on which a form's setup runs. The proof omits
// the form on older versions.
func firstVersion(schema *catalog.Catalog, setup string) (int, error) {
	f, err := pgparse.SplitText(setup)
	if err != nil {
		return 0, err
	}
	first := onward.OldestMajor
	for _, s := range f.Stmts {
		if s.Node == nil {
			return 0, fmt.Errorf("%s: %w", f.Src[s.Start:s.End], s.Err)
		}
		for first <= onward.PreviewMajor {
			r := effect.EffectOf(s.Node, schema, effect.NewVersion(first), effect.Inputs{})
			if r.Refused == nil {
				break
			}
			first++
		}
		schema, _ = schema.Apply(s.Node, f.Src[s.Start:s.End])
	}
	if first > onward.PreviewMajor {
		return 0, fmt.Errorf("no version runs the setup %q", setup)
	}
	return first, nil
}

// formatSQL formats SQL for a cell of a table.
func formatSQL(sql string) string {
	return "`" + strings.ReplaceAll(strings.Join(strings.Fields(sql), " "), "|", `\|`) + "`"
}

// describeResult says what a result does, a line for each relation.
func describeResult(r *effect.Result) string {
	var lines []string
	switch {
	case r.Refused != nil:
		return "refused: " + strings.ReplaceAll(r.Refused.Message(), "|", `\|`)
	case r.Unmodelled != "":
		return "not known: " + r.Unmodelled
	}
	names := map[string][]string{} // what is done → to whom
	var order []string
	for i := range r.Effects {
		e := &r.Effects[i]
		if e.Created || isOnlyReadIndex(e) {
			continue
		}
		description := describeRelation(e)
		if names[description] == nil {
			order = append(order, description)
		}
		names[description] = append(names[description], "`"+e.Name.String()+"`")
	}
	for _, description := range order {
		lines = append(lines, joinNames(names[description])+description)
	}
	if len(lines) == 0 {
		lines = append(lines, "locks no relation that others use")
	}
	if r.NoTransaction != "" {
		lines = append(lines, "cannot run in a transaction")
	}
	return strings.Join(lines, "<br>")
}

// isOnlyReadIndex reports whether an index is only read.
func isOnlyReadIndex(e *effect.Effect) bool {
	index := e.Kind == catalog.Index || e.Kind == catalog.PartitionedIndex
	return index && e.Lock < onward.ShareUpdateExclusiveLock && e.HeaviestWork() == onward.NoWork && !e.Dropped
}

// maxNames is how many relations that fare the same are named.
const maxNames = 3

// joinNames lists names, and counts those that are too many to name.
func joinNames(names []string) string {
	if len(names) > maxNames {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), len(names)-2)
	}
	return strings.Join(names, ", ")
}

// describeRelation says what kind of relation is locked, how, and what is done to it.
func describeRelation(e *effect.Effect) string {
	var b strings.Builder
	if e.Kind != catalog.Table && e.Kind != 0 {
		b.WriteString(" (" + e.Kind.String() + ")")
	}
	b.WriteString(": ")
	if e.Lock == onward.NoLock {
		b.WriteString("no lock")
	} else {
		b.WriteString(e.Lock.Words())
		if e.AtEnd {
			b.WriteString(" at the end")
		}
	}
	if e.Why != "" {
		fmt.Fprintf(&b, " (%s)", strings.ReplaceAll(e.Why, "|", `\|`))
	}
	for _, w := range describeWork(e) {
		b.WriteString(", " + w)
	}
	switch {
	case e.Lock.BlocksReads():
		b.WriteString("; **blocks reads and writes**")
	case e.Lock.BlocksWrites():
		b.WriteString("; **blocks writes**")
	}
	return b.String()
}

// describeWork says what is done under the lock.
func describeWork(e *effect.Effect) []string {
	var out []string
	say := func(applies bool, words string) {
		if applies {
			out = append(out, words)
		}
	}
	index := e.Kind == catalog.Index || e.Kind == catalog.PartitionedIndex
	say(e.Dropped, "dropped")
	say(e.Rewrites && !e.Instant, "rewrite")
	say(e.Rewrites && e.Instant, "new file")
	say(e.RebuildsIndex && index, "rebuild")
	say(e.RebuildsIndex && !index, "index rebuild")
	say(e.BuildsIndex, "index build")
	say(e.Scans && !e.Rewrites, "full scan")
	say(e.Rows, "grows with the rows")
	say(e.Waits, "waits for running transactions")
	return out
}
