import { Route, Switch } from 'wouter'
import { useConnection, useLive } from './data/use-query.ts'
import { ChangePage } from './pages/change/change-page.tsx'
import { ChangesPage } from './pages/changes-page.tsx'
import { HomePage } from './pages/home/home-page.tsx'
import { IncidentsPage } from './pages/incidents-page.tsx'
import { ModelPage } from './pages/model/model-page.tsx'
import { ModelsPage } from './pages/models-page.tsx'
import { NotFoundPage } from './pages/not-found-page.tsx'
import { SignInPage } from './pages/sign-in-page.tsx'
import { Frame } from './parts/frame.tsx'

export function App() {
  useLive()
  const { isSignedOut } = useConnection()
  if (isSignedOut) return <SignInPage />
  return (
    <Frame>
      <Switch>
        <Route path="/" component={HomePage} />
        <Route path="/models" component={ModelsPage} />
        <Route path="/models/:model">{({ model }) => <ModelPage key={model} model={model} />}</Route>
        <Route path="/changes" component={ChangesPage} />
        <Route path="/changes/:change">{({ change }) => <ChangePage key={change} id={change} />}</Route>
        <Route path="/incidents" component={IncidentsPage} />
        <Route path="/signed-out" component={SignInPage} />
        <Route component={NotFoundPage} />
      </Switch>
    </Frame>
  )
}
