package knex

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// newComposer returns how migrations are composed. Each says "transaction: false": Knex would run all that are pending in one transaction, whose
// locks last until its end. A step that needs a transaction opens its own.
func newComposer(s jscode.Style, _ jscode.Settings) (compose func(p *adapter.Program) string, refuses func(sql string) string, unwritable string) {
	w := writer{s}
	return w.composeMigration, refuseText, ""
}

// refuseText refuses a text that Knex changes: it removes the backslashes before a "?".
func refuseText(sql string) string {
	if strings.Contains(sql, `\?`) {
		return `knex.raw takes \? for a question mark, and its SQL has one`
	}
	return ""
}

// writer composes migrations in a project's style.
type writer struct{ style jscode.Style }

func (w writer) composeMigration(p *adapter.Program) string {
	var b strings.Builder
	b.WriteString(jscode.FormatComment(p))
	config, up, down := "exports.config = ", "exports.up = async function (knex) {\n", "exports.down = async function (knex) {\n"
	if w.style.TypeScript {
		b.WriteString(w.style.FindImport("knex", "import type { Knex } from 'knex'"))
	}
	if w.style.Modules {
		parameters := "(" + w.style.AnnotateType("knex", "Knex") + ")"
		if w.style.TypeScript {
			parameters += ": Promise<void>"
		}
		config, up, down = "export const config = ", "export async function up"+parameters+" {\n", "export async function down"+parameters+" {\n"
	}
	b.WriteString(config + "{ transaction: false }\n\n" + up + formatBody(p, p.Up) + "}" + w.assignmentEnd() + "\n\n" + down)
	if p.Down == nil {
		b.WriteString(jscode.IndentLines(1, jscode.FormatThrow()))
	} else {
		b.WriteString(formatBody(p, p.Down))
	}
	b.WriteString("}" + w.assignmentEnd() + "\n")
	return b.String()
}

// assignmentEnd returns the end of an assignment of a function; a declaration has none.
func (w writer) assignmentEnd() string {
	if w.style.Modules {
		return ""
	}
	return ";"
}

// formatBody returns the body of a function that sends statements.
func formatBody(p *adapter.Program, list []string) string {
	escaped := make([]string, len(list))
	for i, sql := range list {
		escaped[i] = strings.ReplaceAll(sql, "?", `\?`)
	}
	if p.Alone {
		return jscode.IndentLines(1, jscode.FormatCalls("await knex.raw(", escaped, ")")...)
	}
	return jscode.IndentLines(1, "await knex.transaction(async (trx) => {") +
		jscode.IndentLines(2, jscode.FormatCalls("await trx.raw(", escaped, ")")...) + jscode.IndentLines(1, "})")
}

// describeHistoryTable describes Knex's table.
func describeHistoryTable(_ jscode.Settings, ending string) *adapter.Count {
	return &adapter.Count{
		Table: historyTable,
		Read:  jscode.ReadNames("name"),
		Key:   jscode.FileKey,
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			return "INSERT INTO " + table + " (name, batch, migration_time) SELECT " + jscode.FileName(table, m, "name", "id", ending) +
				", coalesce(max(batch), 0) + 1, now() FROM " + table
		},
		Row: jscode.FileRow("name"), Order: "id",
		Run: func(m *adapter.Migration) string { return "npx knex migrate:up " + m.ID },
		Busy: func(table string) (marks, condition string) {
			return strings.TrimSuffix(table, `"`) + `_lock"`, "is_locked = 1"
		},
	}
}
