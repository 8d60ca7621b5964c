package rule

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/script"
)

// What a Django project does instead is another operation, or another way to
// write the same one: pasting SQL beside it would leave Django's state behind.
// These are the ways out that more than one rule gives. A rule puts one into
// Report.Django; it is used for statements that Django rendered, never for SQL
// that the author wrote in a RunSQL.

const (
	djangoAlone = "in a migration of its own with atomic = False"
	// djangoIndexName is the longest name that Django takes for an index.
	djangoIndexName = 30
)

// DjangoIndex builds an index concurrently.
func DjangoIndex(op script.Operation, sql string) string {
	switch op.Class {
	case "AddIndex":
		return "put django.contrib.postgres.operations.AddIndexConcurrently in the place of AddIndex, " + djangoAlone
	case "AddField", "AlterField":
		if strings.Contains(sql, "_pattern_ops") {
			return "Django makes this index for LIKE, beside the field's own: db_index=False leaves out both; of a field that is unique build it concurrently too, " + djangoAlone + ":\n" + DjangoSQL(op, sql)
		}
		return "leave the index out of the field (db_index=False), give it to Meta.indexes, and build it " + djangoAlone + ":\n" +
			"AddIndexConcurrently(\n    model_name=" + quote(op.Model) + ",\n    index=models.Index(fields=[" + quote(op.Field) + "], name=" + quote(djangoName(op.Model, op.Field, "idx")) + "),\n)  # from django.contrib.postgres.operations"
	}
	return "build it concurrently, " + djangoAlone + ":\n" + DjangoSQL(op, sql)
}

// DjangoDropIndex drops an index concurrently.
func DjangoDropIndex(op script.Operation, sql string) string {
	if op.Class == "RemoveIndex" {
		return "put django.contrib.postgres.operations.RemoveIndexConcurrently in the place of RemoveIndex, " + djangoAlone
	}
	return "drop it concurrently, " + djangoAlone + ":\n" + DjangoSQL(op, sql)
}

// DjangoSQL runs statements in the place of what Django would run for an
// operation, which goes on to change Django's state.
func DjangoSQL(op script.Operation, statements ...string) string {
	var b strings.Builder
	b.WriteString("migrations.SeparateDatabaseAndState(\n    state_operations=[migrations." + op.Class + "(…)],  # as it stands\n    database_operations=[\n")
	for _, sql := range statements {
		b.WriteString("        " + djangoRun(sql) + ",\n")
	}
	b.WriteString("    ],\n)")
	return b.String()
}

// DjangoNotValid adds a constraint without looking at the rows, and validates
// it later.
func DjangoNotValid(op script.Operation, name, add, validate string) string {
	if op.Class == "RenameModel" {
		return "rename the model in the state only, which leaves its foreign keys as they are:\nmigrations.SeparateDatabaseAndState(state_operations=[migrations.AlterModelTable(…), migrations.RenameModel(…)])"
	}
	if op.Class == "RenameField" {
		return djangoRename
	}
	if op.Class == "AddConstraint" && name != "" {
		return "put AddConstraintNotValid in the place of AddConstraint, and validate it in a migration behind this one (both are in django.contrib.postgres.operations):\n" +
			"ValidateConstraint(model_name=" + quote(op.Model) + ", name=" + quote(name) + ")"
	}
	return "add it NOT VALID:\n" + DjangoSQL(op, add) + "\nand validate it in a migration behind this one:\n" + djangoRun(validate)
}

// djangoRename is the way around a foreign key that Django drops and adds anew
// because its field is renamed.
const djangoRename = "rename the field in the code only: with db_column on the new field the column keeps its name, and its foreign key stays as it is"

// DjangoSteps runs the statements of a way out that is written as one line of
// prose and SQL behind it, outside of a transaction: what a step that failed has
// left behind goes first when they run again.
func DjangoSteps(op script.Operation, instead string) string {
	prose, sql, ok := strings.Cut(strings.TrimSuffix(instead, ";"), ":\n")
	if !ok {
		return ""
	}
	var steps []string
	for step := range strings.SplitSeq(sql, ";\n") {
		if m := builds.FindStringSubmatch(step); m != nil {
			steps = append(steps, "DROP INDEX CONCURRENTLY IF EXISTS "+m[1])
		}
		steps = append(steps, step)
	}
	return prose + ", " + djangoAlone + ":\n" + DjangoSQL(op, steps...)
}

// builds is the build of an index on a table of the search path, where the index is too.
var builds = regexp.MustCompile(`^CREATE UNIQUE INDEX CONCURRENTLY ("[^"]+"|\w+) ON (?:"[^"]+"|\w+) `)

// DjangoWithoutCheck adds a field that has a CHECK of its own, such as a
// PositiveIntegerField: the column first, the CHECK unvalidated.
func DjangoWithoutCheck(op script.Operation, sql, add, validate string) string {
	column, _, ok := strings.Cut(sql, " CHECK (")
	if !ok {
		return ""
	}
	return "add the column without its CHECK, and the CHECK without looking at the rows:\n" + DjangoSQL(op, column, add) +
		"\nand validate it in a migration behind this one:\n" + djangoRun(validate)
}

// DjangoForeignKey adds the constraint of a ForeignKey without looking at the
// rows, and validates it later.
func DjangoForeignKey(op script.Operation, add, validate string) string {
	if op.Class != "AddField" && op.Class != "AlterField" {
		return DjangoNotValid(op, "", add, validate)
	}
	field := script.Operation{Class: "AlterField"}
	return "give the field db_constraint=False here, and add the constraint NOT VALID in a migration behind this one:\n" +
		strings.Replace(DjangoSQL(field, add), "# as it stands", "# without db_constraint=False", 1) +
		"\nand validate it in the next one:\n" + djangoRun(validate)
}

// DjangoKeepForeignKey makes the change of a ForeignKey's column without dropping the
// constraint and adding it again.
func DjangoKeepForeignKey(op script.Operation, change []string) string {
	return "Django drops the foreign key and adds it again around each change of the field; this one needs neither, run it alone:\n" + DjangoSQL(op, change...)
}

// later is why a RemoveField or DeleteModel cannot do the rest in the next release.
const later = " a release later, in SQL: Django's state knows nothing of it by then"

// DjangoKeepColumn takes a field out of the model and leaves its column alone.
// nullable is the SQL that lets rows do without it, "" where they can; unbound are the
// foreign keys that Django clears the column for, as long as it knows it.
func DjangoKeepColumn(op script.Operation, table, column, nullable string, unbound []string) string {
	if op.Class != "RemoveField" {
		return ""
	}
	way := "take the field out of the model only:\n" +
		"migrations.SeparateDatabaseAndState(\n    state_operations=[migrations.RemoveField(" + quote(op.Model) + ", " + quote(op.Field) + ")],\n"
	if nullable != "" || len(unbound) > 0 {
		way += "    database_operations=[\n"
		if nullable != "" {
			way += "        # the new code leaves the column out of its INSERTs\n        " + djangoRun(nullable) + ",\n"
		}
		for _, name := range unbound {
			way += "        # the new code does not clear it where the row that it points at is deleted\n        " + djangoRun("ALTER TABLE "+table+" DROP CONSTRAINT "+Ident(name)) + ",\n"
		}
		way += "    ],\n"
	}
	return way + ")\nand drop the column" + later + ":\n" + djangoRun("ALTER TABLE "+table+" DROP COLUMN "+column)
}

// DjangoKeepTable takes a model or a many-to-many field out of the code and leaves
// its table alone.
func DjangoKeepTable(op script.Operation, table string) string {
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
		"and drop the table" + later + ":\n" + djangoRun("DROP TABLE "+table)
}

// DjangoKeepName renames a field and lets its column keep its name.
func DjangoKeepName(op script.Operation, column string) string {
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

// DjangoKeepTableName renames a model and lets its table keep its name.
func DjangoKeepTableName(op script.Operation, table string) string {
	if op.Class != "RenameModel" && op.Class != "AlterModelTable" {
		return ""
	}
	way := "rename the model in the code only: with db_table = " + quote(table) + " in its Meta the table keeps its name"
	if op.Class == "RenameModel" {
		way += "; as state only, as Django before 5 makes the foreign keys to it anew:\nmigrations.SeparateDatabaseAndState(state_operations=[migrations.AlterModelTable(…), migrations.RenameModel(…)])"
	}
	return way
}

// DjangoRequired adds a field that deployed code does not know. Other operations
// than AddField take no default of the author's.
func DjangoRequired(op script.Operation, table, column string) string {
	switch op.Class {
	case "":
		return ""
	case "AddField":
	default:
		return "put a RunSQL behind the " + op.Class + ", and take the default away a release later:\n" +
			djangoRun("ALTER TABLE "+table+" ALTER COLUMN "+column+" SET DEFAULT …")
	}
	return "write db_default=… in the place of default=… (Django 5.0 and newer): it stays in the database, for the code that does not know the column. Before 5.0 put a RunSQL behind the AddField, and take the default away a release later:\n" +
		djangoRun("ALTER TABLE "+table+" ALTER COLUMN "+column+" SET DEFAULT …")
}

// DjangoNotNull makes a field required without reading the table while it is
// locked.
func DjangoNotNull(op script.Operation) string {
	if op.Class != "AlterField" || op.Field == "" {
		return ""
	}
	name := quote(djangoName(op.Model, op.Field, "not_null"))
	model := "model_name=" + quote(op.Model) + ", "
	return "let a constraint prove it first (its operations are in django.contrib.postgres.operations), each in a migration of its own; with it there AlterField reads nothing:\n" +
		"AddConstraintNotValid(" + model + "constraint=models.CheckConstraint(  # before Django 5.1 check= for condition=\n    condition=models.Q(" + op.Field + "__isnull=False), name=" + name + "))\n" +
		"ValidateConstraint(" + model + "name=" + name + ")\n" +
		"migrations.AlterField(…)  # as it stands, without a default for the rows\n" +
		"migrations.RemoveConstraint(" + model + "name=" + name + ")"
}

// DjangoWork is what a statement of an operation works on.
type DjangoWork int

// The kinds of work.
const (
	DjangoOther DjangoWork = iota
	// DjangoFills: the rows that an AlterField without null=True fills.
	DjangoFills
	// DjangoIndexes: an index.
	DjangoIndexes
	// DjangoReferences: the rows that a new foreign key looks up.
	DjangoReferences
)

// DjangoApart takes work that an operation does under a lock out of the
// transaction: a part of it, or the operation as a whole. own: the lock is of the
// operation too, so that it cannot be moved away from it.
func DjangoApart(op script.Operation, work DjangoWork, own bool, sql string) string {
	switch {
	case op.Class == "":
		return ""
	case work == DjangoFills:
		return "fill the rows first, in a migration in front of this one " +
			"(a RunPython that writes in batches, with atomic = False in the migration): " + op.Class + " then finds nothing to write"
	case work == DjangoIndexes && (op.Class == "AddField" || op.Class == "AddIndex" || own):
		return DjangoIndex(op, sql)
	case work == DjangoReferences && own && op.Class == "RenameField":
		return djangoRename
	case op.Class == "AddField" || op.Class == "CreateModel" || work == DjangoReferences && own && op.Class == "AlterField":
		return "give the foreign key db_constraint=False here, and let an AlterField in a migration behind this one take it out again"
	case own && work == DjangoOther:
		return "the " + op.Class + " takes the lock itself: do its long work in the way that the finding on that work tells"
	}
	return "move the " + op.Class + " to a migration of its own, behind this one"
}

// djangoRun is a RunSQL of one statement.
func djangoRun(sql string) string {
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

// djangoName is a name for an index or constraint that Django takes.
func djangoName(parts ...string) string {
	name := strings.ToLower(strings.Join(parts, "_"))
	if len(name) > djangoIndexName {
		tail := "_" + parts[len(parts)-1]
		name = strings.TrimRight(name[:djangoIndexName-len(tail)], "_") + tail
	}
	return name
}

func quote(s string) string { return `"` + s + `"` }
