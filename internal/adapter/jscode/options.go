package jscode

// Options are the properties of an object of literals, of which a tool makes SQL.
type Options struct {
	fields map[string]Value
	// unknown is set if a property is no literal of the kind that was asked for.
	unknown bool
}

// NewOptions returns the properties of an object, or of the one from which a class makes its value: {a: 1}, new Class({a: 1}). ok is false
// if it is neither.
func NewOptions(v Value, class string) (o *Options, ok bool) {
	if v.New && len(v.Links) == 1 && v.Links[0].Name == class && len(v.Links[0].Arguments) == 1 {
		v = v.Links[0].Arguments[0]
	}
	if v.Kind != Object {
		return nil, false
	}
	o = &Options{fields: make(map[string]Value, len(v.Fields))}
	for _, f := range v.Fields {
		o.fields[f.Name] = f.Value
	}
	return o, true
}

// takeValue removes a property and returns it; null and undefined count as missing.
func (o *Options) takeValue(name string) (v Value, found bool) {
	v, found = o.fields[name]
	delete(o.fields, name)
	return v, found && !v.IsWord("null") && !v.IsWord("undefined")
}

// TakeText returns a text, a number or a truth value as it is spelled; "" if it is missing.
func (o *Options) TakeText(name string) string {
	v, found := o.takeValue(name)
	if !found {
		return ""
	}
	if v.Kind != Text && v.Kind != Number && v.Kind != Word {
		o.unknown = true
	}
	return v.Text
}

// TakeFlag reports whether a property is true.
func (o *Options) TakeFlag(name string) bool {
	v, found := o.takeValue(name)
	if found && !v.IsWord("true") && !v.IsWord("false") {
		o.unknown = true
	}
	return v.IsWord("true")
}

// TakeTexts returns a list of texts.
func (o *Options) TakeTexts(name string) []string {
	v, found := o.takeValue(name)
	if !found {
		return nil
	}
	list, ok := ReadTexts(v)
	o.unknown = o.unknown || !ok
	return list
}

// ReadTexts returns the elements of a list of texts. ok is false if it is none.
func ReadTexts(v Value) (out []string, ok bool) {
	for _, item := range v.Items {
		if item.Kind != Text {
			return nil, false
		}
		out = append(out, item.Text)
	}
	return out, v.Kind == List
}

// TakeList returns the elements of a list.
func (o *Options) TakeList(name string) []Value {
	v, found := o.takeValue(name)
	if found && v.Kind != List {
		o.unknown = true
	}
	return v.Items
}

// Drop removes a property that is read in another way.
func (o *Options) Drop(name string) { delete(o.fields, name) }

// IsRead reports whether every property was a literal and has been asked for.
func (o *Options) IsRead() bool { return !o.unknown && len(o.fields) == 0 }
