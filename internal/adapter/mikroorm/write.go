package mikroorm

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/pgparse"
)

// writer composes migrations in a project's style. bare is set if the project runs all without a transaction.
type writer struct {
	style jscode.Style
	bare  bool
}

// newComposer returns how migrations are composed. With the setting that MikroORM has by default, its transaction is open while a migration
// without a transaction runs: an index that is built concurrently would wait for it forever.
func newComposer(s jscode.Style, c jscode.Settings) (compose func(p *adapter.Program) string, refuses func(sql string) string, unwritable string) {
	if c.Together {
		return nil, nil, "MikroORM runs all pending files in one transaction, and the steps of a plan need their own: set allOrNothing: false in its " +
			"migrations, or onward apply --plan runs the steps, and records the migrations in the table of MikroORM"
	}
	return writer{s, c.Mode == "none"}.composeMigration, nil, ""
}

// composeMigration returns the text of a migration.
func (w writer) composeMigration(p *adapter.Program) string {
	var b strings.Builder
	b.WriteString(jscode.FormatComment(p))
	class := strings.ReplaceAll(p.Name, "-", "_")
	export := "exports." + class + " = class"
	if w.style.Modules {
		b.WriteString(w.style.FindImport("@mikro-orm/migrations", "import { Migration } from '@mikro-orm/migrations'"))
		export = "export class"
	} else {
		b.WriteString("const { Migration } = require('@mikro-orm/migrations')\n\n")
	}
	result, kind := "", ""
	if w.style.TypeScript {
		result, kind = ": Promise<void>", ": boolean"
	}
	fmt.Fprintf(&b, "%s %s extends Migration {\n", export, class)
	if p.Alone && !w.bare {
		fmt.Fprintf(&b, "  isTransactional()%s {\n    return false\n  }\n\n", kind)
	}
	fmt.Fprintf(&b, "  async up()%s {\n%s  }\n\n  async down()%s {\n", result, w.formatBody(p, p.Up), result)
	if p.Down == nil {
		b.WriteString(jscode.IndentLines(2, jscode.FormatThrow()))
	} else {
		b.WriteString(w.formatBody(p, p.Down))
	}
	b.WriteString("  }\n}\n")
	return b.String()
}

// formatBody returns the body of a function that sends statements. Without a transaction of MikroORM's, each text may go to another
// connection, so a transaction is one text.
func (w writer) formatBody(p *adapter.Program, list []string) string {
	if w.bare && !p.Alone {
		list = []string{"BEGIN;\n" + strings.Join(list, ";\n") + ";\nCOMMIT"}
	}
	return jscode.IndentLines(2, jscode.FormatCalls("this.addSql(", list, ")")...)
}

// describeHistoryTable describes MikroORM's table.
func describeHistoryTable(jscode.Settings, string) *adapter.Count {
	return &adapter.Count{
		Table: historyTable,
		Read:  jscode.ReadNames("name"),
		Key:   jscode.FileKey,
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			return "INSERT INTO " + table + " (name) VALUES (" + pgparse.QuoteLiteral(m.ID) + ")"
		},
		Row: jscode.FileRow("name"), Order: "id",
	}
}
