package typeorm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/pgparse"
)

// writer composes migrations in a project's style. mode is its migrationsTransactionMode.
type writer struct {
	style jscode.Style
	mode  string
}

// newComposer returns how migrations are composed.
func newComposer(s jscode.Style, c jscode.Settings) (compose func(p *adapter.Program) string, refuses func(sql string) string, unwritable string) {
	if number := (&adapter.Program{Name: s.File}).Number(); number != s.Version {
		return nil, nil, "TypeORM sorts by the number at the end of a class, and " + s.File + " does not begin with it, " +
			"so it is not known how the names go on: " +
			"onward apply --plan runs the steps, and records the migrations in the table of TypeORM"
	}
	return writer{s, c.Mode}.composeMigration, nil, ""
}

// composeMigration returns the text of a migration. Its class ends with the number of its file, by which TypeORM sorts.
func (w writer) composeMigration(p *adapter.Program) string {
	var b strings.Builder
	b.WriteString(jscode.FormatComment(p))
	name := p.ClassName() + p.Number()
	const query = "queryRunner"
	parameter, result := w.style.AnnotateType(query, "QueryRunner"), ""
	if w.style.TypeScript {
		b.WriteString(w.style.FindImport("typeorm", `import { MigrationInterface, QueryRunner } from "typeorm"`))
		fmt.Fprintf(&b, "export class %s implements MigrationInterface {\n", name)
		result = ": Promise<void>"
	} else if w.style.Modules {
		fmt.Fprintf(&b, "export class %s {\n", name)
	} else {
		fmt.Fprintf(&b, "module.exports = class %s {\n", name)
	}
	fmt.Fprintf(&b, "  name = '%s'\n", name)
	if p.Alone && w.mode == "each" {
		b.WriteString("  transaction = false\n")
	}
	fmt.Fprintf(&b, "\n  async up(%s)%s {\n%s  }\n\n  async down(%s)%s {\n", parameter, result, w.formatBody(p.Up, p.Alone, true), parameter, result)
	if p.Down == nil {
		b.WriteString(jscode.IndentLines(2, jscode.FormatThrow()))
	} else {
		down := slices.Clone(p.Down)
		for i, sql := range down {
			if w.mode == "each" { // migration:revert begins a transaction, whatever the class says
				down[i] = strings.Replace(sql, "DROP INDEX CONCURRENTLY", "DROP INDEX", 1)
			}
		}
		b.WriteString(w.formatBody(down, p.Alone, false))
	}
	b.WriteString("  }\n}\n")
	return b.String()
}

// formatBody returns the body of a function that sends statements. With the mode "all" the function up commits the migrations before it, because
// their locks would last until the end of the last one.
func (w writer) formatBody(list []string, alone, up bool) string {
	const begin, commit = "await queryRunner.startTransaction()", "await queryRunner.commitTransaction()"
	calls := jscode.FormatCalls("await queryRunner.query(", list, ")")
	switch {
	case w.mode == "all" && alone:
		calls = append(append([]string{commit}, calls...), begin)
	case w.mode == "all" && up:
		calls = append([]string{"// This commits the migrations before it: their locks would last up to the end of the last one.", commit, begin}, calls...)
	case w.mode == "none" && !alone:
		calls = append(append([]string{begin}, calls...), commit)
	}
	return jscode.IndentLines(2, calls...)
}

// describeHistoryTable describes TypeORM's table.
func describeHistoryTable(jscode.Settings, string) *adapter.Count {
	return &adapter.Count{
		Table: historyTable,
		Read:  adapter.KeyOnly("name"),
		Key:   func(m *adapter.Migration) string { return m.ID },
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			return "INSERT INTO " + table + ` ("timestamp", name) VALUES (` + pgparse.QuoteLiteral(m.Version) + "::bigint, " + pgparse.QuoteLiteral(m.ID) + ")"
		},
		Row:   func(m *adapter.Migration) string { return "name = " + pgparse.QuoteLiteral(m.ID) },
		Order: "id",
	}
}
