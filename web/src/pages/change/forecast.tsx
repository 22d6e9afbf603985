import type { StepForecast } from '../../../../src/contracts/index.ts'
import { duration, percent, perSecond, sharePercent } from '../../format/numbers.ts'
import { guardNames } from './guard-words.ts'

/** Said before the start: what each step can find out, and how long an equal candidate takes. */
export function Forecast({ forecast }: { forecast: readonly StepForecast[] }) {
  if (forecast.length === 0) return null
  return (
    <details className="forecast">
      <summary>What each step can detect</summary>
      <div className="scroll">
        <table className="small">
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Guard</th>
              <th scope="col">Finds a rise of</th>
              <th scope="col">Equal is promoted in</th>
            </tr>
          </thead>
          <tbody>
            {forecast.map((step) => (
              <tr key={`${step.sharePercent} ${step.guard}`}>
                <td className="nowrap">{sharePercent(step.sharePercent)}</td>
                <td>{guardNames[step.guard]}</td>
                <td className="nowrap">
                  {step.detectableRise === null
                    ? 'nothing'
                    : `${percent(step.detectableRise).replace('%', 'pp')} in ${duration(step.withinMs)}`}
                </td>
                <td className="nowrap">
                  {step.promoteMs === null ? 'never, alone' : duration(step.promoteMs)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="mute">
        At {perSecond(forecast[0]!.requestsPerSecond)} requests a second, as forecast at the start. A rise is
        found every other time within that time.
      </p>
    </details>
  )
}
