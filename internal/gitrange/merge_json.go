package gitrange

import (
	"encoding/json"
	"reflect"
	"slices"
)

// mergeJSON merges two versions of a JSON file. Lists keep the elements that each side added: both sides write to the end of a
// journal of migrations, which is a conflict of texts. It is nil if one of the files is no JSON.
func mergeJSON(ours, was, theirs []byte) []byte {
	var values [3]any
	for i, text := range [][]byte{ours, was, theirs} {
		if json.Unmarshal(text, &values[i]) != nil {
			return nil
		}
	}
	out, err := json.MarshalIndent(mergeValues(values[0], values[1], values[2]), "", "  ")
	if err != nil {
		return nil
	}
	return out
}

// mergeValues merges two versions of a value. If both sides changed it, it is ours.
func mergeValues(ours, was, theirs any) any {
	if reflect.DeepEqual(ours, was) {
		return theirs
	}
	switch ours := ours.(type) {
	case []any:
		before, _ := was.([]any)
		if list, ok := theirs.([]any); ok {
			return mergeLists(ours, before, list)
		}
	case map[string]any:
		before, _ := was.(map[string]any)
		if object, ok := theirs.(map[string]any); ok {
			return mergeObjects(ours, before, object)
		}
	}
	return ours
}

// mergeLists returns the elements of the other side that this one did not remove, and those that it added.
func mergeLists(ours, was, theirs []any) []any {
	contains := func(list []any, x any) bool {
		return slices.ContainsFunc(list, func(y any) bool { return reflect.DeepEqual(x, y) })
	}
	out := []any{}
	for _, x := range theirs {
		if contains(ours, x) || !contains(was, x) {
			out = append(out, x)
		}
	}
	for _, x := range ours {
		if !contains(was, x) && !contains(theirs, x) {
			out = append(out, x)
		}
	}
	return out
}

func mergeObjects(ours, was, theirs map[string]any) map[string]any {
	out := map[string]any{}
	for key, x := range theirs {
		if _, had := was[key]; !had || ours[key] != nil {
			out[key] = x
		}
	}
	for key, x := range ours {
		before, had := was[key]
		switch other, has := theirs[key]; {
		case has:
			out[key] = mergeValues(x, before, other)
		case !had || !reflect.DeepEqual(x, before):
			out[key] = x
		}
	}
	return out
}
