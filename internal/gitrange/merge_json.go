package gitrange

import (
	"encoding/json"
	"reflect"
	"slices"
)

// mergeJSON merges two versions of a JSON file. Lists keep the elements that each side added: both sides write to the end of a
// journal of migrations, which is a conflict of texts. It is nil if one of the files is no JSON.
func mergeJSON(ours, ancestor, theirs []byte) []byte {
	var values [3]any
	for i, text := range [][]byte{ours, ancestor, theirs} {
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
func mergeValues(ours, ancestor, theirs any) any {
	if reflect.DeepEqual(ours, ancestor) {
		return theirs
	}
	switch ours := ours.(type) {
	case []any:
		before, _ := ancestor.([]any)
		if list, ok := theirs.([]any); ok {
			return mergeLists(ours, before, list)
		}
	case map[string]any:
		before, _ := ancestor.(map[string]any)
		if object, ok := theirs.(map[string]any); ok {
			return mergeObjects(ours, before, object)
		}
	}
	return ours
}

// mergeLists returns the elements of the other side that this one did not remove, and those that it added.
func mergeLists(ours, ancestor, theirs []any) []any {
	contains := func(list []any, x any) bool {
		return slices.ContainsFunc(list, func(y any) bool { return reflect.DeepEqual(x, y) })
	}
	out := []any{}
	for _, x := range theirs {
		if contains(ours, x) || !contains(ancestor, x) {
			out = append(out, x)
		}
	}
	for _, x := range ours {
		if !contains(ancestor, x) && !contains(theirs, x) {
			out = append(out, x)
		}
	}
	return out
}

func mergeObjects(ours, ancestor, theirs map[string]any) map[string]any {
	out := map[string]any{}
	for key, x := range theirs {
		if _, existed := ancestor[key]; !existed || ours[key] != nil {
			out[key] = x
		}
	}
	for key, x := range ours {
		before, existed := ancestor[key]
		switch other, exists := theirs[key]; {
		case exists:
			out[key] = mergeValues(x, before, other)
		case !existed || !reflect.DeepEqual(x, before):
			out[key] = x
		}
	}
	return out
}
