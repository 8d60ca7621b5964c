package rails

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
)

// options are the options of a call. unknown is set if one that was asked for is no literal.
type options struct {
	hash    rubycode.Value
	unknown bool
}

// takeValue returns an option; nil counts as missing.
func (o *options) takeValue(name string) (v rubycode.Value, found bool) {
	v, found = o.hash.GetKey(name)
	return v, found && !v.IsWord("nil")
}

// hasOption reports whether an option is there, even if it is nil.
func (o *options) hasOption(name string) bool {
	_, found := o.hash.GetKey(name)
	return found
}

// takeText returns a name, a text or a number; "" if it is missing.
func (o *options) takeText(name string) string {
	v, found := o.takeValue(name)
	if !found || v.IsWord("false") {
		return ""
	}
	if !v.IsName() && v.Kind != rubycode.Number {
		o.unknown = true
		return ""
	}
	return v.Text
}

// takeFlag reports whether an option is neither missing nor false.
func (o *options) takeFlag(name string) bool {
	v, found := o.takeValue(name)
	if !found {
		return false
	}
	holds, known := v.IsTrue()
	o.unknown = o.unknown || !known
	return holds
}

// isFalse reports whether an option is there and false.
func (o *options) isFalse(name string) bool {
	v, found := o.takeValue(name)
	if found && v.Kind == rubycode.Unknown {
		o.unknown = true
	}
	return v.IsWord("false")
}

// takeOptions returns the options that an option has, such as index: { unique: true }.
func (o *options) takeOptions(name string) *options {
	v, _ := o.takeValue(name)
	if v.Kind == rubycode.Unknown && o.takeFlag(name) {
		o.unknown = true
	}
	if v.Kind != rubycode.Hash {
		v = rubycode.Value{Kind: rubycode.Hash}
	}
	return &options{hash: v}
}

// withOption returns the options with another one.
func (o *options) withOption(name string, v rubycode.Value) *options {
	items := append([]rubycode.Value(nil), o.hash.Items...)
	return &options{hash: rubycode.Value{Kind: rubycode.Hash, Items: append(items, rubycode.NewString(name), v)}, unknown: o.unknown}
}

// readNames returns a name or a list of names. ok is false if it is something else.
func readNames(v rubycode.Value) (out []string, ok bool) {
	if v.IsName() {
		return []string{v.Text}, true
	}
	if v.Kind != rubycode.Array || len(v.Items) == 0 {
		return nil, false
	}
	for _, item := range v.Items {
		if !item.IsName() {
			return nil, false
		}
		out = append(out, item.Text)
	}
	return out, true
}

// takeNames returns an option that is a name or a list of names; nil if it is missing.
func (o *options) takeNames(name string) []string {
	v, found := o.takeValue(name)
	if !found {
		return nil
	}
	list, ok := readNames(v)
	o.unknown = o.unknown || !ok
	return list
}

// quoteTable quotes the name of a table, which may have a schema.
func quoteTable(name string) string { return `"` + strings.ReplaceAll(name, ".", `"."`) + `"` }

// quoteName quotes the name of a column, an index or a constraint.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteNames(list []string) string {
	out := make([]string, len(list))
	for i, name := range list {
		out[i] = quoteName(name)
	}
	return strings.Join(out, ", ")
}

// quoteText quotes a text.
func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// stripSchema returns a name without its schema.
func stripSchema(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
