package scenarios

import (
	"os"
	"testing"

	"ktcp/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
