//go:build pinned

// Names OpenTofu's command, so that the modules it needs stay in go.mod; never built itself.

package pinned

import _ "github.com/opentofu/opentofu/cmd/tofu"
