import { createHttp1Server } from '../http1/server.ts'
import { describeHttpServer } from './http-server.conformance.ts'
import { createNodeHttpServer } from './http-server.ts'

describeHttpServer('node:http', createNodeHttpServer)
describeHttpServer('the codec of our own', createHttp1Server)
