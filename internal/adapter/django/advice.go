package django

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// What a Django project does instead is another operation, or another way to
// write the same one: pasting SQL beside it would leave Django's state behind.

// write is how a way out is written for an operation.
func write(op script.Operation, way advice.Way) string {
	switch w := way.(type) {
	case advice.RunAlone:
		return runAlone(w)
	case advice.BoundWaits:
		return "set one of a few seconds for the connection that migrates, in the settings' DATABASES, and run the migration again when it gives up:\n\"OPTIONS\": {\"options\": \"-c lock_timeout=5s\"}"
	case advice.BuildIndex:
		return buildIndex(op, w.SQL)
	case advice.DropIndex:
		return dropIndex(op, w.SQL)
	case advice.AddConstraint:
		return addConstraint(op, w)
	case advice.AddForeignKey:
		return addForeignKey(op, w)
	case advice.KeepForeignKey:
		return "Django drops the foreign key and adds it again around each change of the field; this one needs neither, run it alone:\n" + inPlace(op, w.Change...)
	case advice.AddChecked:
		return addChecked(op, w)
	case advice.Steps:
		return inSteps(op, w)
	case advice.AddUnique, advice.FillUnique:
		return addUnique(op, w)
	case advice.SetNotNull:
		return setNotNull(op)
	case advice.Apart:
		return apart(op, w)
	case advice.RunChecks:
		return "write the rows in a migration of their own, or run the checks between the operations:\nmigrations.RunSQL(\"SET CONSTRAINTS ALL IMMEDIATE\", migrations.RunSQL.noop)"
	case advice.Separate:
		return separate(w)
	case advice.ClearTimeout:
		return clearTimeout(op, w)
	}
	return keep(op, way)
}

// keep is how what the deployed code needs is kept.
func keep(op script.Operation, way advice.Way) string {
	switch w := way.(type) {
	case advice.KeepColumn:
		return keepColumn(op, w)
	case advice.KeepTable:
		return keepTable(op, w.Table)
	case advice.KeepColumnName:
		return keepName(op, w.Column)
	case advice.KeepTableName:
		return keepTableName(op, w.Table)
	case advice.AddDefault:
		return addDefault(op, w.Table, w.Column)
	case advice.KeepDefault:
		if op.Class == "AddField" {
			return addDefault(op, w.Table, w.Column)
		}
	}
	return ""
}

const (
	alone = "in a migration of its own with atomic = False"
	// maxIndexName is the longest name that Django takes for an index.
	maxIndexName = 30
)

// buildIndex builds an index concurrently.
func buildIndex(op script.Operation, sql string) string {
	switch op.Class {
	case "AddIndex":
		return "put django.contrib.postgres.operations.AddIndexConcurrently in the place of AddIndex, " + alone
	case "AddField", "AlterField":
		if strings.Contains(sql, "_pattern_ops") {
			return "Django makes this index for LIKE, beside the field's own: db_index=False leaves out both; of a field that is unique build it concurrently too, " + alone + ":\n" + inPlace(op, sql)
		}
		return "leave the index out of the field (db_index=False), give it to Meta.indexes, and build it " + alone + ":\n" +
			"AddIndexConcurrently(\n    model_name=" + quote(op.Model) + ",\n    index=models.Index(fields=[" + quote(op.Field) + "], name=" + quote(objectName(op.Model, op.Field, "idx")) + "),\n)  # from django.contrib.postgres.operations"
	}
	return "build it concurrently, " + alone + ":\n" + inPlace(op, sql)
}

// dropIndex drops an index concurrently.
func dropIndex(op script.Operation, sql string) string {
	if op.Class == "RemoveIndex" {
		return "put django.contrib.postgres.operations.RemoveIndexConcurrently in the place of RemoveIndex, " + alone
	}
	return "drop it concurrently, " + alone + ":\n" + inPlace(op, sql)
}

// inPlace runs statements in the place of what Django would run for an
// operation, which goes on to change Django's state.
func inPlace(op script.Operation, statements ...string) string {
	var b strings.Builder
	b.WriteString("migrations.SeparateDatabaseAndState(\n    state_operations=[migrations." + op.Class + "(…)],  # as it stands\n    database_operations=[\n")
	for _, sql := range statements {
		b.WriteString("        " + runSQL(sql) + ",\n")
	}
	b.WriteString("    ],\n)")
	return b.String()
}

// addConstraint adds a constraint without looking at the rows, and validates it later.
func addConstraint(op script.Operation, w advice.AddConstraint) string {
	if op.Class == "RenameModel" {
		return "rename the model in the state only, which leaves its foreign keys as they are:\nmigrations.SeparateDatabaseAndState(state_operations=[migrations.AlterModelTable(…), migrations.RenameModel(…)])"
	}
	if op.Class == "RenameField" {
		return renameInCode
	}
	if op.Class == "AddConstraint" && w.Name != "" {
		return "put AddConstraintNotValid in the place of AddConstraint, and validate it in a migration after this one (both are in django.contrib.postgres.operations):\n" +
			"ValidateConstraint(model_name=" + quote(op.Model) + ", name=" + quote(w.Name) + ")"
	}
	return "add it NOT VALID:\n" + inPlace(op, w.Add) + "\nand validate it in a migration after this one:\n" + runSQL(w.Validate)
}

// renameInCode is the way around a foreign key that Django drops and adds anew
// because its field is renamed.
const renameInCode = "rename the field in the code only: with db_column on the new field the column keeps its name, and its foreign key stays as it is"

// inSteps runs the statements of a way out one by one, outside a transaction: what a
// step that failed has left behind goes first when they run again.
func inSteps(op script.Operation, w advice.Steps) string {
	var steps []string
	for _, step := range w.SQL {
		if m := builds.FindStringSubmatch(step); m != nil {
			steps = append(steps, "DROP INDEX CONCURRENTLY IF EXISTS "+m[1])
		}
		steps = append(steps, step)
	}
	return w.Prose + ", " + alone + ":\n" + inPlace(op, steps...)
}

// addUnique adds a unique field; where its rows have one value, without it.
func addUnique(op script.Operation, way advice.Way) string {
	w, steps := way.(advice.AddUnique)
	switch {
	case op.Class != "AddField":
		return ""
	case steps:
		return inSteps(op, w.Steps)
	}
	return "add the field with null=True and without unique=True, give each row a value of its own in a migration behind it (a RunPython that writes in batches, with atomic = False in the migration), and make it unique a release later"
}

// builds is the build of an index on a table of the search path, where the index is too.
var builds = regexp.MustCompile(`^CREATE UNIQUE INDEX CONCURRENTLY ("[^"]+"|\w+) ON (?:"[^"]+"|\w+) `)

// addChecked adds a field that has a CHECK of its own, such as a PositiveIntegerField:
// the column first, the CHECK unvalidated.
func addChecked(op script.Operation, w advice.AddChecked) string {
	column, _, ok := strings.Cut(w.SQL, " CHECK (")
	if !ok {
		return ""
	}
	return "add the column without its CHECK, and the CHECK without looking at the rows:\n" + inPlace(op, column, w.Add) +
		"\nand validate it in a migration after this one:\n" + runSQL(w.Validate)
}

// addForeignKey adds the constraint of a ForeignKey without looking at the rows, and
// validates it later.
func addForeignKey(op script.Operation, w advice.AddForeignKey) string {
	if op.Class != "AddField" && op.Class != "AlterField" {
		return addConstraint(op, advice.AddConstraint{Add: w.Add, Validate: w.Validate})
	}
	field := script.Operation{Class: "AlterField"}
	return "give the field db_constraint=False here, and add the constraint NOT VALID in a migration after this one:\n" +
		strings.Replace(inPlace(field, w.Add), "# as it stands", "# without db_constraint=False", 1) +
		"\nand validate it in the next one:\n" + runSQL(w.Validate)
}

// later is why a RemoveField or DeleteModel cannot do the rest in the next release.
const later = " a release later, in SQL: Django's state knows nothing of it by then"

// keepColumn takes a field out of the model and leaves its column alone.
func keepColumn(op script.Operation, w advice.KeepColumn) string {
	if op.Class != "RemoveField" {
		return ""
	}
	way := "take the field out of the model only:\n" +
		"migrations.SeparateDatabaseAndState(\n    state_operations=[migrations.RemoveField(" + quote(op.Model) + ", " + quote(op.Field) + ")],\n"
	if w.Nullable != "" || len(w.Unbound) > 0 {
		way += "    database_operations=[\n"
		if w.Nullable != "" {
			way += "        # the new code leaves the column out of its INSERTs\n        " + runSQL(w.Nullable) + ",\n"
		}
		for _, name := range w.Unbound {
			way += "        # the new code does not clear it where the row that it points at is deleted\n        " + runSQL("ALTER TABLE "+w.Table+" DROP CONSTRAINT "+pgparse.QuoteIdent(name)) + ",\n"
		}
		way += "    ],\n"
	}
	return way + ")\nand drop the column" + later + ":\n" + runSQL("ALTER TABLE "+w.Table+" DROP COLUMN "+w.Column)
}

// keepTable takes a model or a many-to-many field out of the code and leaves
// its table alone.
func keepTable(op script.Operation, table string) string {
	var what, operation string
	switch op.Class {
	case "DeleteModel":
		what, operation = "the model out of the code", "DeleteModel("+quote(op.Model)+")"
	case "RemoveField":
		what, operation = "the field out of the model", "RemoveField("+quote(op.Model)+", "+quote(op.Field)+")"
	default:
		return ""
	}
	return "take " + what + " only:\nmigrations.SeparateDatabaseAndState(state_operations=[migrations." + operation + "])\n" +
		"and drop the table" + later + ":\n" + runSQL("DROP TABLE "+table)
}

// keepName renames a field and lets its column keep its name.
func keepName(op script.Operation, column string) string {
	switch op.Class {
	case "RenameModel":
		return "the column of a many-to-many field is named after the model: give the field a through model, whose ForeignKey keeps db_column=" + quote(column)
	case "AlterField":
		return "leave db_column=" + quote(column) + " on the field: what the code calls it is another matter"
	case "RenameField":
	default:
		return ""
	}
	return "rename the field in the code only: with db_column=" + quote(column) + " on the new field the column keeps its name, and the migration does nothing in the database"
}

// keepTableName renames a model and lets its table keep its name.
func keepTableName(op script.Operation, table string) string {
	if op.Class != "RenameModel" && op.Class != "AlterModelTable" {
		return ""
	}
	way := "rename the model in the code only: with db_table = " + quote(table) + " in its Meta the table keeps its name"
	if op.Class == "RenameModel" {
		way += "; as state only, as Django before 5 makes the foreign keys to it anew:\nmigrations.SeparateDatabaseAndState(state_operations=[migrations.AlterModelTable(…), migrations.RenameModel(…)])"
	}
	return way
}

// addDefault adds a field that deployed code does not know. Other operations
// than AddField take no default of the author's.
func addDefault(op script.Operation, table, column string) string {
	switch op.Class {
	case "":
		return ""
	case "AddField":
	default:
		return "put a RunSQL behind the " + op.Class + ", and take the default away a release later:\n" +
			runSQL("ALTER TABLE "+table+" ALTER COLUMN "+column+" SET DEFAULT …")
	}
	return "write db_default=… in the place of default=… (Django 5.0 and newer): it stays in the database, for the code that does not know the column. Before 5.0 put a RunSQL behind the AddField, and take the default away a release later:\n" +
		runSQL("ALTER TABLE "+table+" ALTER COLUMN "+column+" SET DEFAULT …")
}

// setNotNull makes a field required without reading the table while it is
// locked.
func setNotNull(op script.Operation) string {
	if op.Class != "AlterField" || op.Field == "" {
		return ""
	}
	name := quote(objectName(op.Model, op.Field, "not_null"))
	model := "model_name=" + quote(op.Model) + ", "
	return "let a constraint prove it first (its operations are in django.contrib.postgres.operations), each in a migration of its own; with it there AlterField reads nothing:\n" +
		"AddConstraintNotValid(" + model + "constraint=models.CheckConstraint(  # before Django 5.1 check= for condition=\n    condition=models.Q(" + op.Field + "__isnull=False), name=" + name + "))\n" +
		"ValidateConstraint(" + model + "name=" + name + ")\n" +
		"migrations.AlterField(…)  # as it stands, without a default for the rows\n" +
		"migrations.RemoveConstraint(" + model + "name=" + name + ")"
}

// apart takes work that an operation does under a lock out of the transaction: a part of
// it, or the operation as a whole.
func apart(op script.Operation, w advice.Apart) string {
	switch {
	case op.Class == "":
		return ""
	case w.Work == advice.Fills:
		return "fill the rows first, in a migration in front of this one " +
			"(a RunPython that writes in batches, with atomic = False in the migration): " + op.Class + " then finds nothing to write"
	case w.Work == advice.Indexes && (op.Class == "AddField" || op.Class == "AddIndex" || w.Own):
		return buildIndex(op, w.SQL)
	case w.Work == advice.References && w.Own && op.Class == "RenameField":
		return renameInCode
	case op.Class == "AddField" || op.Class == "CreateModel" || w.Work == advice.References && w.Own && op.Class == "AlterField":
		return "give the foreign key db_constraint=False here, and let an AlterField in a migration after this one take it out again"
	case w.Own && w.Work == advice.Other:
		return "the " + op.Class + " takes the lock itself: do its long work in the way that the finding on that work tells"
	}
	return "move the " + op.Class + " to a migration of its own, after this one"
}

// runSQL is a RunSQL of one statement.
func runSQL(sql string) string {
	text := strings.ReplaceAll(strings.TrimSuffix(strings.TrimSpace(sql), ";"), `\`, `\\`)
	mark := "'"
	if strings.ContainsAny(text, "'\n") {
		mark = `"""`
		if strings.HasSuffix(text, `"`) {
			text += " "
		}
	}
	return "migrations.RunSQL(" + mark + text + mark + ")"
}

// objectName is a name for an index or constraint that Django takes.
func objectName(parts ...string) string {
	name := strings.ToLower(strings.Join(parts, "_"))
	if len(name) > maxIndexName {
		// What two long names have in common is cut, so something of the whole stays, as
		// Django has it: one file may ask for both.
		tail := fmt.Sprintf("_%04x_%s", crc32.ChecksumIEEE([]byte(name))&0xffff, parts[len(parts)-1])
		name = strings.TrimRight(name[:maxIndexName-len(tail)], "_") + tail
	}
	return name
}

// runAlone takes a statement out of its transaction.
func runAlone(w advice.RunAlone) string {
	if w.Message {
		return "give it a RunSQL of its own; one with several statements is sent as one transaction:"
	}
	return "put the operation into a migration of its own, with this in its class:\n    atomic = False"
}

// separate makes a migration that stopped halfway run again.
func separate(w advice.Separate) string {
	if w.Same {
		return "look at the table before the next run, and take back what the operation has left"
	}
	return "move the operation at " + w.Where + " to a migration of its own, and give only that one atomic = False"
}

// clearTimeout clears a setting for one operation.
func clearTimeout(op script.Operation, w advice.ClearTimeout) string {
	set := "migrations.RunSQL('SET " + w.Setting + " = 0'),"
	if w.Own {
		return "clear it in front of the operation, which puts back what it finds, or in the operation:\n" + set
	}
	return "clear it for this operation, which blocks nobody while it waits:\n" + set + "\n" + op.Class + "(…),  # as it stands\nmigrations.RunSQL('RESET " + w.Setting + "'),"
}

func quote(s string) string { return `"` + s + `"` }
