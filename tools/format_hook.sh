#!/usr/bin/env bash
# A pre-commit hook: formats the staged C++ files that have no unstaged changes, and stages the result.
set -euo pipefail
git diff --cached --name-only -z --diff-filter=ACM -- '*.h' '*.cpp' | while IFS= read -r -d '' file; do
  if git diff --quiet -- "$file"; then
    clang-format -i "$file"
    git add -- "$file"
  else
    clang-format --dry-run --Werror "$file"
  fi
done
