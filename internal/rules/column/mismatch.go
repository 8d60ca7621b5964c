package column

import (
	"strconv"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// classes has the class of each built-in type. Client code treats the types of a class alike.
var classes = map[string]string{
	"int2": "integer", "int4": "integer", "int8": "integer",
	"numeric": "number", "money": "number", "float4": "float", "float8": "float",
	"text": "text", "varchar": "text", "bpchar": "text", "name": "text",
	"bool": "boolean", "uuid": "uuid", "bytea": "bytes", "json": "json", "jsonb": "json",
	"date": "date", "timestamp": "timestamp", "timestamptz": "timestamptz", "time": "time", "timetz": "time", "interval": "interval",
	"inet": "address", "cidr": "address", "bit": "bits", "varbit": "bits", "xml": "xml",
}

// typeClass returns the class of a type; "" for one that nothing is known of.
func typeClass(c *catalog.Catalog, t catalog.Type) string {
	if u := c.Type(t.OID); u != nil && u.Kind == catalog.Enum {
		return "enum"
	}
	if t.Name.Schema == "pg_catalog" {
		return classes[t.Name.Name]
	}
	if t.Name.Name == "citext" {
		return "text"
	}
	return ""
}

// milder are changes between classes that many drivers get along with: what
// they send is parsed by the server, what they get can be converted.
var milder = map[[2]string]string{
	{"text", "enum"}:         "deployed code that binds the value as text, or writes another one, is refused",
	{"enum", "text"}:         "deployed queries that cast to the old enum fail: operator does not exist",
	{"text", "uuid"}:         "deployed code that binds the value as text is refused, and so is what is no uuid",
	{"uuid", "text"}:         "deployed code that binds or reads the value as a uuid fails",
	{"text", "json"}:         "deployed code that writes what is no JSON is refused",
	{"json", "text"}:         "deployed queries that use JSON operators fail: operator does not exist",
	{"integer", "number"}:    "deployed code that reads the value as an integer fails or rounds",
	{"integer", "float"}:     "deployed code that reads the value as an integer fails or rounds",
	{"number", "integer"}:    "what the deployed code writes is rounded to whole numbers",
	{"float", "integer"}:     "what the deployed code writes is rounded to whole numbers",
	{"number", "float"}:      "deployed code reads numbers that are no longer exact",
	{"float", "number"}:      "deployed code that reads the value as a float may fail",
	{"date", "timestamp"}:    "deployed code that reads or compares the value as a date fails or misses rows",
	{"date", "timestamptz"}:  "deployed code that reads or compares the value as a date fails or misses rows",
	{"timestamp", "date"}:    "the time of day of what the deployed code writes is lost",
	{"timestamptz", "date"}:  "the time of day of what the deployed code writes is lost",
	{"timestamp", "time"}:    "the date of what the deployed code writes is lost",
	{"timestamptz", "time"}:  "the date of what the deployed code writes is lost",
	{"time", "interval"}:     "deployed code that reads the value as a time of day fails",
	{"interval", "time"}:     "what the deployed code writes is cut to a time of day",
	{"text", "address"}:      "deployed code that binds the value as text is refused, and so is what is no address",
	{"address", "text"}:      "deployed queries that use network operators fail: operator does not exist",
	{"enum", "enum"}:         "deployed queries that cast to the old enum fail: operator does not exist",
	{"timestamp", "integer"}: "deployed code that reads or binds a time fails",
}

// judgeTypeChange says what a change of type does to code that knows the old one, and
// how bad that is; Off when it does nothing.
func judgeTypeChange(c *catalog.Catalog, old, now catalog.Type) (onward.Severity, string) {
	if !old.IsKnown() || !now.IsKnown() || old.IsSame(now) {
		return onward.Off, ""
	}
	from, to := typeClass(c, old), typeClass(c, now)
	switch {
	case (old.Array > 0) != (now.Array > 0):
		return onward.Error, "deployed code that reads or binds " + "the value as " + old.String() + " fails: the one is an array, the other is not"
	case from == "" || to == "":
		if old.Name == now.Name {
			return onward.Off, ""
		}
		return onward.Warning, "deployed code that reads or binds the value as " + old.String() + " may fail"
	case from == to && from != "enum":
		return judgeSameClass(from, old, now)
	case from == "timestamp" && to == "timestamptz", from == "timestamptz" && to == "timestamp":
		return onward.Warning, "from now on, the session's time zone changes times that the deployed code writes and reads, or no longer does"
	}
	if harm, ok := milder[[2]string{from, to}]; ok {
		return onward.Warning, harm
	}
	return onward.Error, "deployed code that compares or binds the value as " + old.String() + " fails: operator does not exist"
}

// judgeSameClass judges a change between two types of a class: narrower types refuse or round
// values, and a wider integer may not fit into a variable of the code.
func judgeSameClass(class string, old, now catalog.Type) (onward.Severity, string) {
	switch class {
	case "integer", "float":
		switch {
		case now.Name.Name < old.Name.Name: // the names sort like the widths: int2, int4, int8; float4, float8
			return onward.Warning, "values of the deployed code that do not fit into " + now.String() + " are refused, or lose digits"
		case class == "integer":
			return onward.Info, "deployed code that reads the value into a smaller integer fails once there is a larger one"
		}
	case "text":
		if limit := charLength(now); limit > 0 && (charLength(old) == 0 || limit < charLength(old)) {
			return onward.Warning, "deployed code that writes more than " + strconv.Itoa(limit) + " characters is refused: value too long for type"
		}
	case "number":
		if old.Name != now.Name {
			return onward.Warning, "deployed code that reads the value as " + old.String() + " may fail"
		}
		digits, scale := numericPrecision(now)
		oldDigits, oldScale := numericPrecision(old)
		switch {
		case digits == 0:
		case oldDigits == 0, digits-scale < oldDigits-oldScale:
			return onward.Warning, "deployed code that writes more digits than " + now.String() + " holds is refused: numeric field overflow"
		case scale < oldScale:
			return onward.Warning, "what the deployed code writes is rounded to " + strconv.Itoa(scale) + " decimal places"
		}
	}
	return onward.Off, ""
}

// charLength is the limit of a character type; 0 for none.
func charLength(t catalog.Type) int {
	if len(t.Mods) == 1 {
		return int(t.Mods[0])
	}
	if t.Name.Name == "bpchar" && t.Name.Schema == "pg_catalog" {
		return 1
	}
	return 0
}

// numericPrecision is the number of digits and decimal places of numeric; 0 digits
// for no limit.
func numericPrecision(t catalog.Type) (digits, scale int) {
	switch len(t.Mods) {
	case 1:
		return int(t.Mods[0]), 0
	case 2:
		return int(t.Mods[0]), int(t.Mods[1])
	}
	return 0, 0
}
