package sandbox

import (
	"os"
	"testing"
)

// enterMachine takes the tests to another machine, if they are asked to run there.
var enterMachine = func() {}

func TestMain(m *testing.M) {
	RunChild()
	enterMachine()
	os.Exit(m.Run())
}
