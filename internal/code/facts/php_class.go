package facts

import (
	"slices"
	"strings"
)

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
