package audit

import (
	"os"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) {
	RunChild()
	os.Exit(pgservertest.Main(m))
}
