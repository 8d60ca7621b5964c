package rehearse_test

import (
	"os"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }
