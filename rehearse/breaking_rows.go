package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/violation"
)

const (
	// probeRows are enough rows to break every demand of the release, such as SET NOT NULL, even one that only few rows
	// break.
	probeRows = 60
	// mostProbes limits how often the release runs to find rows that may stop it.
	mostProbes = 12
)

// tryBreakingRows runs the release on a few rows that meet the base's constraints but break the
// release's demands where possible, because production may have such rows. The rows of
// the next run meet the demand that stopped it, so that later demands are tried too.
func (v *version) tryBreakingRows(ctx context.Context) error {
	plan := Rows{Rows: map[string]int64{}, Seed: v.Rows.Seed}
	for _, d := range v.demands {
		plan.Rows[d.Table] = probeRows
	}
	var failed *step
	return probeDemands(v.demands, func(wanted fill.Release) (*migrationFailure, error) {
		if len(wanted.Break) == 0 {
			return nil, nil
		}
		run, err := v.side.runUnobserved(ctx, nil, func(db string) error {
			_, err := fill.FillDatabase(ctx, v.side.databaseURL(v.side.server, db), plan, wanted)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("try rows that the release may stop at: %w", err)
		}
		v.side.dropDatabase(ctx, run.database)
		failed = run.failedStep
		return run.stop, nil
	}, func(stop *migrationFailure, d *fill.Demand) {
		if d != nil && !v.blamed[stop.statement] { // without a demand, the rehearsal's own rows have hit this too
			v.addRowsFinding(failed, stop)
		}
	})
}

// probeDemands runs migrations on rows that break demands until none stops them. After each stop the next rows meet the
// demand that was broken. It reports each stop with its demand; one without a demand is the last.
func probeDemands(
	demands []*fill.Demand, run func(fill.Release) (*migrationFailure, error), report func(*migrationFailure, *fill.Demand),
) error {
	open := slices.Clone(demands)
	var met []*fill.Demand
	for range mostProbes {
		stop, err := run(fill.Release{Keep: met, Break: open})
		if err != nil || stop == nil || stop.statement == nil || !mayBeCausedByRows(stop.err) {
			return err
		}
		broken := brokenDemand(open, stop)
		if report(stop, broken); broken == nil {
			return nil
		}
		open = slices.DeleteFunc(open, func(d *fill.Demand) bool { return d == broken })
		met = append(met, broken)
	}
	return nil
}

// brokenDemand returns the demand that rows broke when a statement failed; nil: none.
func brokenDemand(demands []*fill.Demand, stop *migrationFailure) *fill.Demand {
	var pg *pgconn.PgError
	if !errors.As(stop.err, &pg) {
		return nil
	}
	var about []*fill.Demand
	for _, d := range demands {
		if namesTableOfDemand(stop.statement, d) || pg.TableName != "" && (hasRelationName(d.Table, pg.TableName) || hasRelationName(d.Now, pg.TableName)) {
			about = append(about, d)
		}
	}
	for _, d := range about {
		switch {
		case d.Kind == fill.Required:
			if pg.Code == "23502" && (pg.ColumnName == d.Name || pg.ColumnName == d.Columns[0]) {
				return d
			}
		case d.Kind == fill.Becomes:
			if pg.Code[:2] == "22" && mayChangeType(stop.statement, d) {
				return d
			}
		case pg.ConstraintName != "" && pg.ConstraintName == d.Name,
			pg.ConstraintName == "" && pg.Code == "23514" && d.Kind == fill.Holds && strings.Contains(pg.Message, d.Name):
			return d
		}
	}
	// A constraint may have another name at the end than when it was made.
	kinds := map[string]fill.DemandKind{"23505": fill.Differs, "23503": fill.Refers, "23514": fill.Holds, "23P01": fill.Differs}
	kind, known := kinds[pg.Code]
	about = slices.DeleteFunc(about, func(d *fill.Demand) bool { return !known || d.Kind != kind })
	if len(about) == 1 {
		return about[0]
	}
	return nil
}

// hasRelationName reports whether the relation part of a qualified name is the given name.
func hasRelationName(relation, name string) bool {
	return relation[strings.IndexByte(relation, '.')+1:] == name
}

// namesTableOfDemand reports whether a statement names the table of a demand.
func namesTableOfDemand(st *script.Statement, d *fill.Demand) bool {
	found := false
	pgparse.Walk(st.Node, func(msg any) bool {
		if r, ok := msg.(*pgparse.RangeVar); ok {
			found = found || hasRelationName(d.Table, r.GetRelname()) || hasRelationName(d.Now, r.GetRelname())
		}
		return !found
	})
	return found
}

// mayChangeType reports whether a statement changes the type of a demand's column. A
// statement whose text does not show it, such as a block, counts too.
func mayChangeType(st *script.Statement, d *fill.Demand) bool {
	a := st.Node.GetAlterTableStmt()
	if a == nil {
		return true
	}
	return slices.ContainsFunc(a.GetCmds(), func(n *pgparse.Node) bool {
		c := n.GetAlterTableCmd()
		return c.GetSubtype() == pgparse.AlterTableType_AT_AlterColumnType && (c.GetName() == d.Name || c.GetName() == d.Columns[0])
	})
}

// addRowsFinding adds the finding for a statement that fails on rows only.
func (v *version) addRowsFinding(step *step, stop *migrationFailure) {
	v.blamed[stop.statement] = true
	d := brokenDemand(v.demands, stop)
	if d == nil {
		v.addFinding(release.RehearsalFailsWithRows, step, stop.statement,
			"refused on tables with rows, and not on empty ones: "+serverMessage(stop),
			"production has rows too: if they are like these, the migration stops here"+v.describeSkippedMigrations(step), "")
		return
	}
	instead := ""
	if query := violatingRowsQuery(d); query != "" {
		instead = "ask production first, and clean up in a migration of its own:\n" + query
		if strings.Contains(query, validInput) {
			instead = strings.Replace(instead, "first,", "first (Postgres 16 and later),", 1)
		}
	}
	v.addFinding(release.RehearsalFailsWithRows, step, stop.statement,
		"production's rows may break it, as the base lets such rows in: "+serverMessage(stop),
		"if there is one, the migration stops here"+v.describeSkippedMigrations(step), instead)
}

// violatingRowsQuery returns the query that finds the rows which break a demand; "" if none is
// known.
func violatingRowsQuery(d *fill.Demand) string {
	table := quoteRelationName(d.Table)
	columns := make([]string, len(d.Columns))
	for i, c := range d.Columns {
		columns[i] = pgparse.QuoteIdent(c)
	}
	switch d.Kind {
	case fill.Required:
		return violation.SelectRows(table, columns[0]+" IS NULL")
	case fill.Differs:
		if len(d.Keys) == 0 { // an exclusion
			return ""
		}
		var conditions []string
		for _, c := range d.Nullable {
			conditions = append(conditions, pgparse.QuoteIdent(c)+" IS NOT NULL")
		}
		if d.Where != "" {
			conditions = append(conditions, d.Where)
		}
		return violation.SelectDuplicates(table, d.Keys, strings.Join(conditions, " AND "))
	case fill.Refers:
		target := make([]string, len(d.Target))
		for i, c := range d.Target {
			target[i] = pgparse.QuoteIdent(c)
		}
		return violation.SelectOrphans(table, columns, quoteRelationName(d.Refers), target)
	case fill.Becomes:
		return violation.SelectRows(table, misfitCondition(d, columns[0]))
	}
	return violation.SelectRows(table, "NOT "+parenthesizeSQL(d.Condition))
}

// misfitCondition returns a condition for the values that do not fit a column's new type.
func misfitCondition(d *fill.Demand, column string) string {
	switch {
	case d.Most > 0:
		return fmt.Sprintf("length(%s) > %d", column, d.Most)
	case len(d.Labels) > 0:
		labels := make([]string, len(d.Labels))
		for i, l := range d.Labels {
			labels[i] = "'" + strings.ReplaceAll(l, "'", "''") + "'"
		}
		return column + "::text NOT IN (" + strings.Join(labels, ", ") + ")"
	case d.Low < d.High:
		return fmt.Sprintf("%s NOT BETWEEN %d AND %d", column, d.Low, d.High)
	}
	return "NOT " + validInput + "(" + column + ", '" + strings.ReplaceAll(d.Type, "'", "''") + "')"
}

// validInput is the function that reports whether a text is a valid value of a type,
// from Postgres 16 on.
const validInput = "pg_input_is_valid"

func parenthesizeSQL(sql string) string {
	if strings.HasPrefix(sql, "(") {
		return sql
	}
	return "(" + sql + ")"
}

// quoteRelationName returns a qualified name, quoted for SQL.
func quoteRelationName(relation string) string {
	schema, name, _ := strings.Cut(relation, ".")
	if schema == "public" {
		return pgparse.QuoteIdent(name)
	}
	return pgparse.QuoteIdent(schema) + "." + pgparse.QuoteIdent(name)
}
