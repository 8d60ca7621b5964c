package sequelize

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// inContext matches a function up that gets a query interface as the context of umzug.
var inContext = lazyregexp.New(`\bup\b[^{]{0,80}\{\s*context\b`)

// writer composes migrations in a project's style. parameter is how the newest one gets the query interface.
type writer struct {
	style     jscode.Style
	parameter string
}

// newComposer returns how migrations are composed.
func newComposer(s jscode.Style, _ jscode.Settings) (compose func(p *adapter.Program) string, refuses func(sql string) string, unwritable string) {
	w := writer{s, s.AnnotateType("queryInterface", "QueryInterface")}
	if inContext.MatchString(s.Newest) {
		w.parameter = s.AnnotateType("{ context: queryInterface }", "{ context: QueryInterface }")
	}
	return w.composeMigration, nil, ""
}

// composeMigration returns the text of a migration.
func (w writer) composeMigration(p *adapter.Program) string {
	var b strings.Builder
	b.WriteString(jscode.FormatComment(p))
	down := jscode.IndentLines(2, jscode.FormatThrow())
	if p.Down != nil {
		down = formatBody(p, p.Down, 2)
	}
	if !w.style.Modules {
		fmt.Fprintf(&b, "'use strict'\n\nmodule.exports = {\n  async up(%s) {\n%s  },\n\n  async down(%[1]s) {\n%[3]s  },\n}\n",
			w.parameter, formatBody(p, p.Up, 2), down)
		return b.String()
	}
	if w.style.TypeScript {
		b.WriteString(w.style.FindImport("sequelize", "import type { QueryInterface } from 'sequelize'"))
	}
	if strings.Contains(w.style.Newest, "export default") {
		fmt.Fprintf(&b, "export default {\n  async up(%s) {\n%s  },\n\n  async down(%[1]s) {\n%[3]s  },\n}\n", w.parameter, formatBody(p, p.Up, 2), down)
		return b.String()
	}
	fmt.Fprintf(&b, "export async function up(%s) {\n%s}\n\nexport async function down(%[1]s) {\n%[3]s}\n", w.parameter, formatBody(p, p.Up, 1),
		strings.ReplaceAll(down, jscode.IndentLines(2, jscode.FormatThrow()), jscode.IndentLines(1, jscode.FormatThrow())))
	return b.String()
}

// formatBody returns the body of a function that sends statements.
func formatBody(p *adapter.Program, list []string, depth int) string {
	if p.Alone {
		return jscode.IndentLines(depth, jscode.FormatCalls("await queryInterface.sequelize.query(", list, ")")...)
	}
	return jscode.IndentLines(depth, "await queryInterface.sequelize.transaction(async (transaction) => {") +
		jscode.IndentLines(depth+1, jscode.FormatCalls("await queryInterface.sequelize.query(", list, ", { transaction })")...) +
		jscode.IndentLines(depth, "})")
}

// describeHistoryTable describes Sequelize's table.
func describeHistoryTable(_ jscode.Settings, ending string) *adapter.Count {
	return &adapter.Count{
		Table: `"` + historyTable + `"`,
		Read:  jscode.ReadNames("name"),
		Key:   jscode.FileKey,
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			return "INSERT INTO " + table + " (name) SELECT " + jscode.FileName(table, m, "name", "name", ending)
		},
		Row: jscode.FileRow("name"), Order: "name",
		Run: func(m *adapter.Migration) string { return "npx sequelize-cli db:migrate --to " + m.ID },
	}
}
