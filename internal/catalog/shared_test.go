package catalog

import (
	"fmt"
	"os"
	"reflect"
	"testing"
)

// Relations and columns without anything rare share an empty part: whatever
// the tests of this package did, nobody wrote to it.
func TestMain(m *testing.M) {
	code := m.Run()
	if !reflect.DeepEqual(plain, Rare{}) || !reflect.DeepEqual(plainColumn, RareColumn{}) {
		fmt.Fprintf(os.Stderr, "the shared empty parts were changed: %+v, %+v\n", plain, plainColumn)
		code = max(code, 1)
	}
	os.Exit(code)
}
