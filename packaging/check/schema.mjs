// schema.mjs FILE...: whether each file is valid CycloneDX 1.6.
import { readFileSync } from 'node:fs'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)
for (const file of process.argv.slice(2)) {
  const problem = await validator.validate(readFileSync(file, 'utf8'))
  if (problem) {
    console.log(`${file}: ${JSON.stringify(problem)}`)
    process.exitCode = 1
  }
}
