package django

import (
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// The safe form in a Django project is another operation, or the same one written
// differently. SQL next to it would leave Django's state out of date.

// formatFix returns the text of a fix for an operation.
func formatFix(op script.Operation, way advice.Way) string {
	switch w := way.(type) {
	case advice.RunAlone:
		return adviseRunAlone(w)
	case advice.BoundWaits:
		return "set one of a few seconds for the connection that migrates, in the settings' DATABASES, and run the migration again when it gives up:\n" +
			"\"OPTIONS\": {\"options\": \"-c lock_timeout=5s\"}"
	case advice.BuildIndex:
		return adviseBuildIndex(op, w.SQL)
	case advice.DropIndex:
		return adviseDropIndex(op, w.SQL)
	case advice.AddConstraint:
		return adviseAddConstraint(op, w)
	case advice.AddForeignKey:
		return adviseAddForeignKey(op, w)
	case advice.KeepForeignKey:
		return "Django drops the foreign key and adds it again around each change of the field; this one needs neither, run it alone:\n" +
			separateDatabaseAndState(op, w.Change...)
	case advice.AddChecked:
		return adviseAddChecked(op, w)
	case advice.Steps:
		return adviseSteps(op, w)
	case advice.AddUnique, advice.FillUnique:
		return adviseAddUnique(op, w)
	case advice.SetNotNull:
		return adviseSetNotNull(op)
	case advice.Apart:
		return adviseOutsideTransaction(op, w)
	case advice.RunChecks:
		return "write the rows in a migration of their own, or run the checks between the operations:\n" +
			"migrations.RunSQL(\"SET CONSTRAINTS ALL IMMEDIATE\", migrations.RunSQL.noop)"
	case advice.Separate:
		return adviseSplit(w)
	case advice.ClearTimeout:
		return adviseClearTimeout(op, w)
	}
	return adviseKeeping(op, way)
}

// adviseKeeping returns how to keep something that the deployed code needs.
func adviseKeeping(op script.Operation, way advice.Way) string {
	switch w := way.(type) {
	case advice.KeepColumn:
		return adviseKeepColumn(op, w)
	case advice.KeepTable:
		return adviseKeepTable(op, w.Table)
	case advice.KeepColumnName:
		return adviseKeepColumnName(op, w.Column)
	case advice.KeepTableName:
		return adviseKeepTableName(op, w.Table)
	case advice.AddDefault:
		return adviseAddDefault(op, w.Table, w.Column)
	case advice.KeepDefault:
		if op.Class == "AddField" {
			return adviseAddDefault(op, w.Table, w.Column)
		}
	}
	return ""
}

const (
	alone = "in a migration of its own with atomic = False"
	// maxIndexName is the longest name of an index that Django accepts.
	maxIndexName = 30
)

// adviseBuildIndex returns the operation that builds an index concurrently.
func adviseBuildIndex(op script.Operation, sql string) string {
	switch op.Class {
	case "AddIndex":
		return "put django.contrib.postgres.operations.AddIndexConcurrently in the place of AddIndex, " + alone
	case "AddField", "AlterField":
		if strings.Contains(sql, "_pattern_ops") {
			return "Django makes this index for LIKE, beside the field's own: db_index=False leaves out both; of a field that is unique build it concurrently too, " +
				alone + ":\n" + separateDatabaseAndState(op, sql)
		}
		return "leave the index out of the field (db_index=False), give it to Meta.indexes, and build it " + alone + ":\n" +
			"AddIndexConcurrently(\n    model_name=" + quotePython(op.Model) + ",\n    index=models.Index(fields=[" + quotePython(op.Field) + "], name=" + quotePython(objectName(op.Model, op.Field, "idx")) + "),\n)  # from django.contrib.postgres.operations"
	}
	return "build it concurrently, " + alone + ":\n" + separateDatabaseAndState(op, sql)
}

// adviseDropIndex returns the operation that drops an index concurrently.
func adviseDropIndex(op script.Operation, sql string) string {
	if op.Class == "RemoveIndex" {
		return "put django.contrib.postgres.operations.RemoveIndexConcurrently in the place of RemoveIndex, " + alone
	}
	return "drop it concurrently, " + alone + ":\n" + separateDatabaseAndState(op, sql)
}

// separateDatabaseAndState replaces the statements that Django would run for an operation. The operation
// still changes Django's state.
func separateDatabaseAndState(op script.Operation, statements ...string) string {
	var b strings.Builder
	b.WriteString("migrations.SeparateDatabaseAndState(\n    state_operations=[migrations." + op.Class + "(…)],  # unchanged\n    database_operations=[\n")
	for _, sql := range statements {
		b.WriteString("        " + formatRunSQL(sql) + ",\n")
	}
	b.WriteString("    ],\n)")
	return b.String()
}

// adviseAddConstraint returns how to add a constraint without checking the rows, and to validate it later.
func adviseAddConstraint(op script.Operation, w advice.AddConstraint) string {
	if op.Class == "RenameModel" {
		return "rename the model in the state only, which leaves its foreign keys as they are:\n" +
			"migrations.SeparateDatabaseAndState(state_operations=[migrations.AlterModelTable(…), migrations.RenameModel(…)])"
	}
	if op.Class == "RenameField" {
		return renameInCode
	}
	if op.Class == "AddConstraint" && w.Name != "" {
		return "put AddConstraintNotValid in the place of AddConstraint, and validate it in a migration after this one (both are in " +
			"django.contrib.postgres.operations):\n" +
			"ValidateConstraint(model_name=" + quotePython(op.Model) + ", name=" + quotePython(w.Name) + ")"
	}
	return "add it NOT VALID:\n" + separateDatabaseAndState(op, w.Add) + "\nand validate it in a migration after this one:\n" + formatRunSQL(w.Validate)
}

// renameInCode is the fix for a foreign key that Django drops and adds again because its
// field is renamed.
const renameInCode = "rename the field in the code only: with db_column on the new field the column keeps its name, and its foreign key stays as it is"

// adviseSteps returns how to run the statements of a fix one by one, outside a transaction. They first drop
// what a failed step may have left, so that the steps can run again.
func adviseSteps(op script.Operation, w advice.Steps) string {
	var steps []string
	for _, step := range w.SQL {
		if m := builds.FindStringSubmatch(step); m != nil {
			steps = append(steps, "DROP INDEX CONCURRENTLY IF EXISTS "+m[1])
		}
		steps = append(steps, step)
	}
	return w.Prose + ", " + alone + ":\n" + separateDatabaseAndState(op, steps...)
}

// adviseAddUnique returns how to add a unique field. If all rows would get one value, the field is added
// without it.
func adviseAddUnique(op script.Operation, way advice.Way) string {
	w, steps := way.(advice.AddUnique)
	switch {
	case op.Class != "AddField":
		return ""
	case steps:
		return adviseSteps(op, w.Steps)
	}
	return "add the field with null=True and without unique=True, give each row a value of its own in a later migration (a RunPython that writes in batches, " +
		"with atomic = False in the migration), and make it unique a release later"
}

// builds matches the build of an index on a table without a schema, so the index is in
// the search path too.
var builds = lazyregexp.New(`^CREATE UNIQUE INDEX CONCURRENTLY ("[^"]+"|\w+) ON (?:"[^"]+"|\w+) `)

// adviseAddChecked returns how to add a field with a CHECK of its own, such as a PositiveIntegerField: first
// the column, then the CHECK without validation.
func adviseAddChecked(op script.Operation, w advice.AddChecked) string {
	column, _, ok := strings.Cut(w.SQL, " CHECK (")
	if !ok {
		return ""
	}
	return "add the column without its CHECK, and the CHECK without looking at the rows:\n" + separateDatabaseAndState(op, column, w.Add) +
		"\nand validate it in a migration after this one:\n" + formatRunSQL(w.Validate)
}

// adviseAddForeignKey returns how to add the constraint of a ForeignKey without checking the rows, and
// validates it later.
func adviseAddForeignKey(op script.Operation, w advice.AddForeignKey) string {
	if op.Class != "AddField" && op.Class != "AlterField" {
		return adviseAddConstraint(op, advice.AddConstraint{Add: w.Add, Validate: w.Validate})
	}
	field := script.Operation{Class: "AlterField"}
	return "give the field db_constraint=False here, and add the constraint NOT VALID in a migration after this one:\n" +
		strings.Replace(separateDatabaseAndState(field, w.Add), "# unchanged", "# without db_constraint=False", 1) +
		"\nand validate it in the next one:\n" + formatRunSQL(w.Validate)
}

// later says that the rest of a RemoveField or DeleteModel must be SQL in the next
// release, and why.
const later = " a release later, in SQL: Django's state knows nothing of it by then"

// adviseKeepColumn returns how to remove a field from the model and keep its column.
func adviseKeepColumn(op script.Operation, w advice.KeepColumn) string {
	if op.Class != "RemoveField" {
		return ""
	}
	way := "take the field out of the model only:\n" +
		"migrations.SeparateDatabaseAndState(\n    state_operations=[migrations.RemoveField(" + quotePython(op.Model) + ", " + quotePython(op.Field) + ")],\n"
	if w.Nullable != "" || len(w.Unbound) > 0 {
		way += "    database_operations=[\n"
		if w.Nullable != "" {
			way += "        # the new code leaves the column out of its INSERTs\n        " + formatRunSQL(w.Nullable) + ",\n"
		}
		for _, name := range w.Unbound {
			way += "        # the new code does not clear it where the row that it points at is deleted\n        " +
				formatRunSQL("ALTER TABLE "+w.Table+" DROP CONSTRAINT "+pgparse.QuoteIdent(name)) + ",\n"
		}
		way += "    ],\n"
	}
	return way + ")\nand drop the column" + later + ":\n" + formatRunSQL("ALTER TABLE "+w.Table+" DROP COLUMN "+w.Column)
}

// adviseKeepTable returns how to remove a model or a many-to-many field from the code and keep its table.
func adviseKeepTable(op script.Operation, table string) string {
	var stateChange, operation string
	switch op.Class {
	case "DeleteModel":
		stateChange, operation = "the model out of the code", "DeleteModel("+quotePython(op.Model)+")"
	case "RemoveField":
		stateChange, operation = "the field out of the model", "RemoveField("+quotePython(op.Model)+", "+quotePython(op.Field)+")"
	default:
		return ""
	}
	return "take " + stateChange + " only:\nmigrations.SeparateDatabaseAndState(state_operations=[migrations." + operation + "])\n" +
		"and drop the table" + later + ":\n" + formatRunSQL("DROP TABLE "+table)
}

// adviseKeepColumnName returns how to rename a field and keep the name of its column.
func adviseKeepColumnName(op script.Operation, column string) string {
	switch op.Class {
	case "RenameModel":
		return "the column of a many-to-many field is named after the model: give the field a through model, whose ForeignKey keeps db_column=" + quotePython(column)
	case "AlterField":
		return "leave db_column=" + quotePython(column) + " on the field: what the code calls it is another matter"
	case "RenameField":
	default:
		return ""
	}
	return "rename the field in the code only: with db_column=" + quotePython(column) +
		" on the new field the column keeps its name, and the migration does nothing in the database"
}

// adviseKeepTableName returns how to rename a model and keep the name of its table.
func adviseKeepTableName(op script.Operation, table string) string {
	if op.Class != "RenameModel" && op.Class != "AlterModelTable" {
		return ""
	}
	way := "rename the model in the code only: with db_table = " + quotePython(table) + " in its Meta the table keeps its name"
	if op.Class == "RenameModel" {
		way += "; as state only, as Django before 5 makes the foreign keys to it anew:\n" +
			"migrations.SeparateDatabaseAndState(state_operations=[migrations.AlterModelTable(…), migrations.RenameModel(…)])"
	}
	return way
}

// adviseAddDefault adds a field that deployed code does not know. Only AddField accepts a
// default from the author.
func adviseAddDefault(op script.Operation, table, column string) string {
	switch op.Class {
	case "":
		return ""
	case "AddField":
	default:
		return "put a RunSQL after the " + op.Class + ", and drop the default a release later:\n" +
			formatRunSQL("ALTER TABLE "+table+" ALTER COLUMN "+column+" SET DEFAULT …")
	}
	return "write db_default=… instead of default=… (Django 5.0 and newer): it stays in the database, for the code that does not know the column. " +
		"Before 5.0 put a RunSQL after the AddField, and drop the default a release later:\n" +
		formatRunSQL("ALTER TABLE "+table+" ALTER COLUMN "+column+" SET DEFAULT …")
}

// adviseSetNotNull returns how to make a field required without reading the table under its lock.
func adviseSetNotNull(op script.Operation) string {
	if op.Class != "AlterField" || op.Field == "" {
		return ""
	}
	name := quotePython(objectName(op.Model, op.Field, "not_null"))
	model := "model_name=" + quotePython(op.Model) + ", "
	return "let a constraint prove it first (its operations are in django.contrib.postgres.operations), each in a migration of its own; " +
		"with it there AlterField reads nothing:\n" +
		"AddConstraintNotValid(" + model + "constraint=models.CheckConstraint(  # before Django 5.1 check= for condition=\n    condition=models.Q(" + op.Field + "__isnull=False), name=" + name + "))\n" +
		"ValidateConstraint(" + model + "name=" + name + ")\n" +
		"migrations.AlterField(…)  # unchanged, without a default for the rows\n" +
		"migrations.RemoveConstraint(" + model + "name=" + name + ")"
}

// adviseOutsideTransaction returns how to move work that an operation does under a lock out of the transaction: a part of
// the operation, or all of it.
func adviseOutsideTransaction(op script.Operation, w advice.Apart) string {
	switch {
	case op.Class == "":
		return ""
	case w.Work == advice.Fills:
		return "fill the rows first, in a migration before this one " +
			"(a RunPython that writes in batches, with atomic = False in the migration): " + op.Class + " then finds nothing to write"
	case w.Work == advice.Indexes && (op.Class == "AddField" || op.Class == "AddIndex" || w.Own):
		return adviseBuildIndex(op, w.SQL)
	case w.Work == advice.References && w.Own && op.Class == "RenameField":
		return renameInCode
	case op.Class == "AddField" || op.Class == "CreateModel" || w.Work == advice.References && w.Own && op.Class == "AlterField":
		return "give the foreign key db_constraint=False here, and let an AlterField in a migration after this one take it out again"
	case w.Own && w.Work == advice.Other:
		return "the " + op.Class + " takes the lock itself: do its long work in the way that the finding on that work tells"
	}
	return "move the " + op.Class + " to a migration of its own, after this one"
}

// formatRunSQL returns a RunSQL with one statement.
func formatRunSQL(sql string) string {
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

// objectName returns a name for an index or constraint that is short enough for Django.
func objectName(parts ...string) string {
	name := strings.ToLower(strings.Join(parts, "_"))
	if len(name) > maxIndexName {
		// Two long names may begin alike, and one file may need both. As in Django, a
		// checksum of the whole name keeps them different.
		tail := fmt.Sprintf("_%04x_%s", crc32.ChecksumIEEE([]byte(name))&0xffff, parts[len(parts)-1])
		name = strings.TrimRight(name[:maxIndexName-len(tail)], "_") + tail
	}
	return name
}

// adviseRunAlone returns how to move a statement out of its transaction.
func adviseRunAlone(w advice.RunAlone) string {
	if w.Message {
		return "give it a RunSQL of its own; one with several statements is sent as one transaction:"
	}
	return "put the operation into a migration of its own, with this in its class:\n    atomic = False"
}

// adviseSplit splits a migration that stopped halfway so that it can run again.
func adviseSplit(w advice.Separate) string {
	if w.Same {
		return "look at the table before the next run, and take back what the operation has left"
	}
	return "move the operation at " + w.Where + " to a migration of its own, and give only that one atomic = False"
}

// adviseClearTimeout returns how to reset a setting for one operation.
func adviseClearTimeout(op script.Operation, w advice.ClearTimeout) string {
	set := "migrations.RunSQL('SET " + w.Setting + " = 0'),"
	if w.Own {
		return "clear it before the operation, which restores the value that it finds, or in the operation:\n" + set
	}
	return "clear it for this operation, which blocks nobody while it waits:\n" + set + "\n" + op.Class + "(…),  # unchanged\nmigrations.RunSQL('RESET " +
		w.Setting + "'),"
}

func quotePython(s string) string { return `"` + s + `"` }
