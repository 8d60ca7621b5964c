package fill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/redact"
)

// sampleRows is how many rows the server tries before a table is loaded.
const sampleRows = 400

// stageName is the temporary table in which the server tries rows. It has the
// columns of the table without its constraints.
const stageName = "pg_temp.onward_fill"

func (t *table) listInsertedColumns() (columns []*column, names []string) {
	for _, c := range t.columns {
		if !c.skip && c.generated == "" {
			columns, names = append(columns, c), append(names, quoteIdent(c.name))
		}
	}
	return columns, names
}

// createStage creates the temporary table, replacing an earlier one, with an
// additional last column for a number.
func (f *filler) createStage(ctx context.Context, t *table) error {
	var defs []string
	for _, c := range t.columns {
		base, typmod := f.schema.resolveDomain(c.typ, c.typmod)
		if base == nil || c.skip && c.generated == "" {
			continue
		}
		def := fmt.Sprintf("%s %s", quoteIdent(c.name), f.typeText(base, typmod))
		if c.generated != "" {
			def += " GENERATED ALWAYS AS (" + c.generated + ") STORED"
		}
		defs = append(defs, def)
	}
	defs = append(defs, `"onward fill" int`)
	if _, err := f.conn.Exec(ctx, "DROP TABLE IF EXISTS "+stageName); err != nil {
		return err
	}
	_, err := f.conn.Exec(ctx, "CREATE TEMP TABLE onward_fill ("+strings.Join(defs, ", ")+")")
	return err
}

// typeText returns a type's name in SQL.
func (f *filler) typeText(t *typ, typmod int32) string {
	if f.typeNames == nil {
		f.typeNames = map[string]string{}
	}
	key := fmt.Sprint(t.oid, " ", typmod)
	if f.typeNames[key] == "" {
		var name string
		if err := f.conn.QueryRow(context.Background(), fmt.Sprintf("SELECT pg_catalog.format_type(%d, %d)", t.oid, typmod)).Scan(&name); err != nil {
			name = quoteIdent(t.schema) + "." + quoteIdent(t.name)
		}
		f.typeNames[key] = name
	}
	return f.typeNames[key]
}

var atColumn = lazyregexp.New(`(?s)^COPY .*, line \d+, column (.*?)(?::|$)`)

// repairBySample lets the server try some rows of a table, and repairs what fails: a
// column whose type does not accept its values, or a condition that was not
// understood.
func (f *filler) repairBySample(ctx context.Context, t *table) error {
	n := min(int64(sampleRows), t.rows)
	row := func(k int64) int64 { return k * (t.rows - 1) / max(n-1, 1) }
	for range len(t.columns) + 1 {
		if err := f.createStage(ctx, t); err != nil {
			return f.reportFailure(t, "a copy of it for samples", err)
		}
		columns, names := t.listInsertedColumns()
		err := f.copyRows(ctx, stageName, append(names, `"onward fill"`), rowSource{
			columns: columns,
			rows:    n,
			row:     row,
			extra:   func(b []byte, k int64) []byte { return strconv.AppendInt(b, k, 10) },
		})
		if err == nil {
			break
		}
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			return fmt.Errorf("send a sample of %s: %w", t.name(), err)
		}
		m := atColumn.FindStringSubmatch(pg.Where)
		var c *column
		if m != nil {
			c = t.findColumnByName(m[1])
		}
		if c == nil || c.replaced {
			f.addProblem(t, "its rows: %s", redact.RedactMessage(pg))
			t.rows = 0
			return nil
		}
		if err := f.replaceValues(ctx, t, c, redact.RedactMessage(pg)); err != nil || t.rows == 0 {
			return err
		}
	}
	failing, err := f.findFailingConditions(ctx, t)
	if err != nil || len(failing) == 0 {
		return err
	}
	pass, err := f.passRate(ctx, t)
	if err != nil {
		return err
	}
	names, err := f.applyPassingCombinations(ctx, t, failing)
	if err != nil || names == "" || t.rows == 0 {
		return err
	}
	if pass < 0.02 {
		f.addProblem(t, "no values were found that satisfy %s", names)
		t.rows = 0
		return nil
	}
	// Enough rows satisfy it by chance: the server selects them.
	t.surplus = 1.2/pass + 0.1
	return nil
}

// passRate returns the share of the staged rows that satisfy all conditions.
func (f *filler) passRate(ctx context.Context, t *table) (float64, error) {
	var all []string
	for _, c := range t.listConditions() {
		all = append(all, "("+c.sql+") IS NOT FALSE")
	}
	var rate float64
	sql := fmt.Sprintf("SELECT COALESCE(pg_catalog.avg(CASE WHEN %s THEN 1 ELSE 0 END), 0)::pg_catalog.float8 FROM %s AS %s", strings.Join(all, " AND "),
		stageName, quoteIdent(t.rel))
	err := f.conn.QueryRow(ctx, sql).Scan(&rate)
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return 0, nil // it cannot be evaluated
	}
	return rate, err
}

// replaceValues gives a column other values after the server has refused its values.
func (f *filler) replaceValues(ctx context.Context, t *table, c *column, reason string) error {
	c.replaced = true
	r := f.newRequest(t, c)
	m, err := f.tryCandidates(ctx, c, r)
	if err != nil {
		return err
	}
	switch {
	case m != nil && c.ref == nil && !c.unique && c.digit == nil:
		c.escape = true
		c.value = func(b []byte, i int64) ([]byte, bool) { return m.value(b, i), true }
	case c.hasDef:
		c.skip = true
	case !c.notNull:
		c.value = func(b []byte, _ int64) ([]byte, bool) { return b, false }
	default:
		f.addProblem(t, "column %s: %s", c.name, reason)
		t.rows = 0
	}
	return nil
}

// reportFailure reports a problem of the table, or returns the error if the connection
// is lost.
func (f *filler) reportFailure(t *table, step string, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && !f.conn.IsClosed() {
		f.addProblem(t, "%s: %s", step, redact.RedactMessage(pg))
		t.rows = 0
		return nil
	}
	return fmt.Errorf("%s: %s: %w", t.name(), step, err)
}

// listConditions returns all conditions on a row, including the bounds of the
// partitions.
func (t *table) listConditions() []*check {
	out := slices.Clone(t.checks)
	var bounds []string
	var columns []int
	for _, l := range t.leaves {
		if l.constraint == "" {
			return out // a lone default partition accepts everything
		}
		bounds = append(bounds, "("+l.constraint+") IS TRUE")
		for _, c := range t.columns {
			if !slices.Contains(columns, c.index) && strings.Contains(l.constraint, c.name) {
				columns = append(columns, c.index)
			}
		}
	}
	if len(bounds) > 0 {
		out = append(out, &check{name: "the bounds of its partitions", sql: "(" + strings.Join(bounds, " OR ") + ")", columns: columns})
	}
	return out
}

// findFailingConditions returns the conditions that some staged row does not satisfy.
func (f *filler) findFailingConditions(ctx context.Context, t *table) ([]*check, error) {
	var out []*check
	for _, c := range t.listConditions() {
		var bad bool
		sql := fmt.Sprintf("SELECT EXISTS (SELECT FROM %s AS %s WHERE (%s) IS FALSE)", stageName, quoteIdent(t.rel), c.sql)
		if err := f.conn.QueryRow(ctx, sql).Scan(&bad); err != nil {
			var pg *pgconn.PgError
			if !errors.As(err, &pg) {
				return nil, fmt.Errorf("try %s of %s: %w", c.name, t.name(), err)
			}
			bad = true // if a condition cannot be evaluated, the row fails too
		}
		if bad {
			out = append(out, c)
		}
	}
	return out, nil
}

const (
	mostCombos = 4000
	// eachCombo is how many rows a combination must pass with.
	eachCombo = 10
	mostPool  = 200
)
