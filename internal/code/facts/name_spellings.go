package facts

import (
	"slices"
	"strings"
	"unicode"
)

// TableWords returns the spellings of a table's name, and of its singular, which a mapper
// may use as the class's name.
func TableWords(name string) []string {
	return append(Spellings(name), Spellings(Singular(name))...)
}

// Spellings returns the forms in which code writes a name: full_name, fullName, FullName,
// FULL_NAME.
func Spellings(name string) []string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == ' ' })
	if len(parts) == 0 {
		return nil
	}
	var camel, pascal strings.Builder
	for i, p := range parts {
		title := strings.ToUpper(p[:1]) + p[1:]
		pascal.WriteString(title)
		if i == 0 {
			title = strings.ToLower(p[:1]) + p[1:]
		}
		camel.WriteString(title)
	}
	var out []string
	for _, c := range []string{name, camel.String(), pascal.String(), goSpelling(parts), strings.ToUpper(name)} {
		if c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// goSpelling returns the name in Go's style: UserID, APIURL.
func goSpelling(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		switch l := strings.ToLower(p); l {
		case "id", "url", "uri", "api", "ip", "http", "https", "json", "sql", "uuid", "html", "xml", "ttl", "ssl", "tls", "ui", "uid":
			b.WriteString(strings.ToUpper(l))
		default:
			r := []rune(p)
			r[0] = unicode.ToUpper(r[0])
			b.WriteString(string(r))
		}
	}
	return b.String()
}

// Singular removes a plural's ending, as mappers do.
func Singular(name string) string {
	switch {
	case strings.HasSuffix(name, "ies"):
		return name[:len(name)-3] + "y"
	case strings.HasSuffix(name, "sses"), strings.HasSuffix(name, "xes"), strings.HasSuffix(name, "ches"):
		return name[:len(name)-2]
	case strings.HasSuffix(name, "s") && !strings.HasSuffix(name, "ss"):
		return name[:len(name)-1]
	}
	return name
}

// NormalizeName returns a name in one common spelling.
func NormalizeName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// PHPClass is a class or a trait of PHP that may say something of a table to Eloquent. Eloquent selects all columns, so a
// column counts only if a statement names it.
type PHPClass struct {
	// Name is its full name: `App\Models\Person`.
	Name string
	Line int
	// Open is set for an abstract class and a trait.
	Open bool
	// Extends are the full names of the class that it extends, which may be "", and of its traits.
	Extends []string
	// Table and Key are its table and its primary key; "" if it does not say them.
	Table, Key string
	// NoTimes is set if Eloquent does not set created_at and updated_at. Times are the columns of creation, change and deletion; "" for the usual
	// ones, and "-" for none.
	NoTimes bool
	Times   [3]string
	// Named are columns that each INSERT names. Given are columns that a statement names if the program gives them a value.
	Named, Given []Place
}

func (x *PHPClass) codeFields(c *codec) {
	c.codeString(&x.Name)
	c.codeInt(&x.Line)
	c.codeBool(&x.Open)
	codeList(c, &x.Extends, c.codeString)
	c.codeString(&x.Table)
	c.codeString(&x.Key)
	c.codeBool(&x.NoTimes)
	for i := range x.Times {
		c.codeString(&x.Times[i])
	}
	codeList(c, &x.Named, c.codePlace)
	codeList(c, &x.Given, c.codePlace)
}

// eloquentRoots are the classes of Laravel that models extend.
var eloquentRoots = []string{
	`Illuminate\Database\Eloquent\Model`, `Illuminate\Foundation\Auth\User`, `Illuminate\Database\Eloquent\Relations\Pivot`,
	`Illuminate\Database\Eloquent\Relations\MorphPivot`,
}

// IsEloquentRoot reports whether a class of Laravel is one that models extend.
func IsEloquentRoot(class string) bool { return slices.Contains(eloquentRoots, class) }

// ShortClass returns the name of a class without its namespace.
func ShortClass(name string) string { return name[strings.LastIndexByte(name, '\\')+1:] }

// Default says what a mapper inserts into a column if the program gives no value.
type Default int

// The answers. A mapper that leaves a column out without saying so makes it DefaultUnknown.
const (
	DefaultUnknown Default = iota
	// DefaultByServer: the model says that the database has a default. The INSERT says DEFAULT, or leaves the column out.
	DefaultByServer
	// DefaultByModel: the model has a value.
	DefaultByModel
)

// ModelSnapshot ends the name of the file with the model that Entity Framework keeps beside its migrations.
const ModelSnapshot = "ModelSnapshot.cs"

// ColumnLine returns the line in which a model declares a column.
func (m *Model) ColumnLine(column string) (line int, found bool) {
	if m.IgnoresColumn(column) {
		return m.Line, false
	}
	for _, f := range m.Fields {
		if f.Column == column || f.Column == "" && slices.Contains(Spellings(column), f.Field) {
			return f.Line, !f.Left
		}
	}
	return m.Line, m.All
}

// IgnoresColumn reports whether a model is configured to ignore a column.
func (m *Model) IgnoresColumn(column string) bool {
	return slices.ContainsFunc(m.Without, func(p Place) bool { return p.Name == column })
}

// Statement is a statement of SQL in the code.
type Statement struct {
	// SQL is its text, with a parameter for each value that the program inserts; "" if it is
	// Open.
	SQL  string
	Line int
	// Name is its name in a comment for sqlc before it. Star is set if it returns all columns
	// of something, which sqlc writes out in its generated code.
	Name string
	Star bool
	// Open is set if the program inserts more than values at run time, or if the statement
	// was not understood.
	Open bool
	// Fault says why onward could not read the file; "" if it could.
	Fault string
}
